//! Tables as files: CSV that a spreadsheet cannot be made to run, and the days that narrow
//! what is in them.

use crate::error::{Faults, Result};
use time::{Date, OffsetDateTime, Time, format_description::well_known::Iso8601};

/// Lines of CSV. A cell that a spreadsheet would run as a formula (OWASP, CSV injection)
/// gets an apostrophe, which makes it text.
pub fn csv(lines: &[Vec<String>]) -> Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    for line in lines {
        out.write_record(line.iter().map(|cell| harmless(cell)))
            .map_err(anyhow::Error::from)?;
    }
    Ok(out
        .into_inner()
        .map_err(|error| anyhow::anyhow!("csv: {error}"))?)
}

fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        return format!("'{cell}");
    }
    cell.to_owned()
}

/// A day in UTC, as in 2026-11-25; none where none is said.
pub fn day(faults: &mut Faults, field: &'static str, text: Option<&str>) -> Option<OffsetDateTime> {
    let text = text.filter(|text| !text.is_empty())?;
    let day = Date::parse(text, &Iso8601::DATE)
        .ok()
        .filter(|day| (1970..9000).contains(&day.year()));
    if day.is_none() {
        faults.add(field, "invalid", "Say a day as in 2026-11-25.");
    }
    Some(OffsetDateTime::new_utc(day?, Time::MIDNIGHT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        let line = ["=1+1", "+49", "-1", "@x", "\tx", "plain", "a \"b\", c"];
        let text = csv(&[line.map(str::to_owned).to_vec()]).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "'=1+1,'+49,'-1,'@x,'\tx,plain,\"a \"\"b\"\", c\"\n"
        );
    }
}
