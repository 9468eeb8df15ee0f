import { Panel, Row, Stack, Text } from "@ds/layout";
export const ok = (
  <Stack spacing="sm" pad="md" padding="$4" $sm={{ padding: "$2" }} borderRadius="$card" aria-label="x">
    <Text tone="muted" fontSize="$3">
      a
    </Text>
  </Stack>
);
// @ts-expect-error unknown variant value
export const a = <Stack spacing="huge" />;
// @ts-expect-error unknown prop
export const b = <Row paddingg="$4" />;
// @ts-expect-error unknown token
export const c = <Panel padding="$nope" />;
// @ts-expect-error unknown colour
export const d = <Panel backgroundColor="$nope" />;
// @ts-expect-error wrong tone
export const e = <Text tone="loud">x</Text>;
// @ts-expect-error wrong css value
export const f = <Stack flexDirection="sideways" />;
// @ts-expect-error unknown theme colour name
export const g = <Text color="$colorNope">x</Text>;
