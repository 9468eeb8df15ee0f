import { Display, Figure, H1, H2, H3, Page, Panel, Paragraph, Quiet, Row, Stack, Text, Title } from "@ds/layout";

/** Every variant of every layout primitive, for the parity test: what is not here is not proved. */
export function Gallery({ on }: { on: boolean }) {
  return (
    <section id="gallery">
      <Stack spacing="none" pad="none" align="start" justify="start" />
      <Stack spacing="xs" pad="sm" align="center" justify="center" grow />
      <Stack spacing="sm" pad="md" align="end" justify="between" />
      <Stack spacing="md" pad="lg" align="stretch" justify="end" />
      <Stack spacing="lg" align="baseline" />
      <Stack spacing="xl" />
      <Stack spacing={on ? "sm" : "xl"} className="plain" />
      <Row spacing="none" pad="none" align="start" justify="start" wraps />
      <Row spacing="xs" pad="sm" align="center" justify="center" stackOnMobile />
      <Row spacing="sm" pad="md" align="end" justify="between" grow />
      <Row spacing="md" pad="lg" align="baseline" justify="end" />
      <Row spacing="lg" align="stretch" wraps stackOnMobile />
      <Row spacing="xl" />
      <Text tone="default" size="xs" weight="regular" />
      <Text tone="muted" size="sm" weight="medium" />
      <Text tone="primary" size="md" weight="bold" />
      <Text tone="accent" size="lg" />
      <Text tone="success" size="xl" />
      <Text tone={on ? "danger" : "muted"} />
      <Text weight={on ? "bold" : "regular"} size="sm" />
      <Paragraph />
      <Paragraph tone="muted" size="lg" />
      <Paragraph tone="danger" size="sm" weight="medium" />
      <H1 />
      <H1 tone="muted" />
      <H2 />
      <H2 tone="accent" />
      <H3 />
      <H3 tone="danger" />
      <Display />
      <Display tone="primary" />
      <Title />
      <Title tone="muted" />
      <Quiet />
      <Figure />
      <Figure tone="accent" />
      <Page />
      <Page measure="form" />
      <Page measure="prose" />
      <Page measure="page" />
      <Page measure="wide" />
      <Panel />
      <Panel tone="default" grow />
      <Panel tone="inset" />
      <Panel tone="clear" />
      <Panel tone={on ? "inset" : "default"} />
      <Panel padding="$0" gap="$0" />
      <Stack padding="$4" $sm={{ padding: "$2", display: "none" }} hoverStyle={{ backgroundColor: "$raised" }} />
    </section>
  );
}
