//! The table, in Markdown. It says by how much a goal was met or missed, and no more.

use crate::{numbers::median, scenarios::Sample};
use std::fmt;

/// What a figure is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Goal {
    fn met(self, value: f64) -> bool {
        match self {
            Self::AtMost(goal) => value <= goal,
            Self::AtLeast(goal) => value >= goal,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(goal) => write!(f, "≤ {goal}"),
            Self::AtLeast(goal) => write!(f, "≥ {goal}"),
        }
    }
}

/// Rows as they come.
#[derive(Debug)]
pub(crate) struct Report {
    machine: String,
    rows: Vec<[String; 4]>,
    notes: Vec<[String; 7]>,
}

impl Report {
    pub(crate) fn new(machine: String) -> Self {
        Self {
            machine,
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// One figure, with its goal and the number that is held against it.
    pub(crate) fn row(
        &mut self,
        what: &str,
        value: String,
        detail: String,
        goal: Option<(Goal, f64)>,
    ) {
        let goal = goal.map_or_else(String::new, |(goal, value)| {
            let mark = if goal.met(value) { "met" } else { "**missed**" };
            format!("{goal}: {mark}")
        });
        self.rows.push([what.to_owned(), value, goal, detail]);
    }

    /// What one side of the comparison above did; medians of its rounds.
    pub(crate) fn note(&mut self, side: &str, samples: &[Sample]) {
        let of = |figure: fn(&Sample) -> f64| median(samples.iter().map(figure));
        let what = self.rows.last().map_or("", |row| row[0].as_str());
        self.notes.push([
            what.to_owned(),
            side.to_owned(),
            format!("{:.0}", of(Sample::per_cpu_second)),
            format!("{:.0}", of(Sample::per_second)),
            format!("{:.1}", of(|sample| sample.outcome.p50)),
            format!("{:.1}", of(|sample| sample.outcome.p99)),
            samples
                .first()
                .map_or_else(String::new, |sample| sample.outcome.bytes.to_string()),
        ]);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Machine: {}\n", self.machine)?;
        table(f, ["what", "figure", "goal", "detail"], &self.rows)?;
        if self.notes.is_empty() {
            return Ok(());
        }
        writeln!(f)?;
        let head = [
            "what",
            "side",
            "requests per CPU second",
            "requests per second",
            "p50 ms",
            "p99 ms",
            "bytes",
        ];
        table(f, head, &self.notes)
    }
}

fn table<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    head: [&str; N],
    rows: &[[String; N]],
) -> fmt::Result {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .chain([head[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let line = |f: &mut fmt::Formatter<'_>, cells: [&str; N]| {
        for (column, cell) in cells.into_iter().enumerate() {
            write!(f, "| {cell:<0$} ", width(column))?;
        }
        writeln!(f, "|")
    };
    line(f, head)?;
    let rules: [String; N] = std::array::from_fn(|column| "-".repeat(width(column)));
    line(f, std::array::from_fn(|column| rules[column].as_str()))?;
    for row in rows {
        line(f, std::array::from_fn(|column| row[column].as_str()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_whether_its_goal_is_met() {
        let mut report = Report::new(String::from("here"));
        report.row(
            "a",
            String::from("1 s"),
            String::new(),
            Some((Goal::AtMost(0.5), 1.0)),
        );
        report.row(
            "b",
            String::from("2×"),
            String::new(),
            Some((Goal::AtLeast(0.8), 2.0)),
        );
        let text = report.to_string();
        assert!(text.contains("≤ 0.5: **missed**") && text.contains("≥ 0.8: met"));
    }
}
