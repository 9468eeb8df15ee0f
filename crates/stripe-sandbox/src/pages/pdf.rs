//! A plain PDF of one document: text in Helvetica, no library. Refuses nothing; what its font cannot show becomes `?`.

use std::fmt::Write as _;

/// What stands on the paper.
pub(super) struct Paper {
    /// The heading.
    pub(super) title: String,
    /// Names and values under it.
    pub(super) facts: Vec<(String, String)>,
    /// What, when, how much.
    pub(super) lines: Vec<(String, String, String)>,
    /// The sums.
    pub(super) sums: Vec<(String, String)>,
}

/// Lines on one page.
const ROWS: usize = 24;

/// Draws the paper.
pub(super) fn draw(paper: &Paper) -> Vec<u8> {
    let chunks: Vec<&[(String, String, String)]> = if paper.lines.is_empty() {
        vec![&[]]
    } else {
        paper.lines.chunks(ROWS).collect()
    };
    let last = chunks.len() - 1;
    let mut objects: Vec<Vec<u8>> = vec![
        b"<< /Type /Catalog /Pages 2 0 R /Lang (en) >>".to_vec(),
        format!(
            "<< /Type /Pages /Count {} /Kids [{}] >>",
            chunks.len(),
            (0..chunks.len())
                .map(|n| format!("{} 0 R", 5 + 2 * n))
                .collect::<Vec<_>>()
                .join(" ")
        )
        .into_bytes(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_vec(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>"
            .to_vec(),
    ];
    for (n, rows) in chunks.iter().enumerate() {
        let content = sheet(paper, rows, n == 0, n == last);
        objects.push(format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /R 3 0 R /B 4 0 R >> >> /Contents {} 0 R >>", 6 + 2 * n).into_bytes());
        let mut stream = format!("<< /Length {} >>\nstream\n", content.len()).into_bytes();
        stream.extend(content);
        stream.extend(b"\nendstream");
        objects.push(stream);
    }
    let mut out = b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut offsets = Vec::new();
    for (n, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.extend(format!("{} 0 obj\n", n + 1).bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let start = out.len();
    let mut tail = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for offset in offsets {
        let _ = writeln!(tail, "{offset:010} 00000 n ");
    }
    let _ = write!(
        tail,
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    );
    out.extend(tail.bytes());
    out
}

fn sheet(paper: &Paper, rows: &[(String, String, String)], first: bool, last: bool) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, "B", 9, 50, 800, "SANDBOX: NO MONEY MOVES");
    let mut y = 760;
    if first {
        put(&mut out, "B", 20, 50, y, &paper.title);
        y -= 34;
        for (name, value) in &paper.facts {
            put(&mut out, "R", 10, 50, y, name);
            put(&mut out, "R", 10, 130, y, value);
            y -= 16;
        }
        y -= 20;
    }
    for (what, when, amount) in rows {
        put(&mut out, "R", 10, 50, y, &short(what, 70));
        right(&mut out, "R", 10, y, amount);
        if !when.is_empty() {
            put(&mut out, "R", 8, 50, y - 11, when);
            y -= 9;
        }
        y -= 18;
    }
    if last {
        y -= 6;
        out.extend(format!("0.8 G 50 {y} m 545 {y} l S 0 G\n").bytes());
        y -= 18;
        for (n, (name, amount)) in paper.sums.iter().enumerate() {
            let font = if n + 1 == paper.sums.len() { "B" } else { "R" };
            put(&mut out, font, 10, 360, y, name);
            right(&mut out, font, 10, y, amount);
            y -= 16;
        }
    }
    out
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        text.to_owned()
    } else {
        text.chars().take(most - 1).chain(['…']).collect()
    }
}

/// Ends at the right margin. Digits of Helvetica are 0.556 wide; other signs are taken to be so too.
fn right(out: &mut Vec<u8>, font: &str, size: usize, y: i32, text: &str) {
    let tenths: usize = text
        .chars()
        .map(|c| {
            if matches!(c, '.' | ',' | ' ') {
                278
            } else {
                556
            }
        })
        .sum::<usize>()
        * size
        / 1000;
    put(
        out,
        font,
        size,
        545 - i32::try_from(tenths).unwrap_or(0),
        y,
        text,
    );
}

fn put(out: &mut Vec<u8>, font: &str, size: usize, x: i32, y: i32, text: &str) {
    out.extend(format!("BT /{font} {size} Tf {x} {y} Td (").bytes());
    for c in text.chars() {
        match c {
            '(' | ')' | '\\' => out.extend([b'\\', u8::try_from(u32::from(c)).unwrap_or(b'?')]),
            '€' => out.push(0x80),
            '…' => out.push(0x85),
            '–' | '−' => out.push(0x96),
            '’' => out.push(0x92),
            c if (' '..='~').contains(&c) || ('\u{a0}'..='\u{ff}').contains(&c) => {
                out.push(u8::try_from(u32::from(c)).unwrap_or(b'?'));
            }
            _ => out.push(b'?'),
        }
    }
    out.extend(b") Tj ET\n");
}
