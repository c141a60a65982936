//! Rows for people.

use cli::output::visible;

/// The rows under `head`, each column as wide as it has to be.
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    // A row is one line, even with a newline in what somebody else chose.
    let cell = |cell: &String| visible(cell).replace(['\n', '\t'], " ");
    let shown = rows.iter().map(|row| row.each_ref().map(cell));
    let all: Vec<[String; N]> = std::iter::once(head.map(str::to_owned))
        .chain(shown)
        .collect();
    let mut widths = [0; N];
    for row in &all {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| {
                // Not by a width of format!, which panics above 65535: a kid can be long.
                let gap = width.saturating_sub(cell.chars().count());
                format!("{cell}{}", " ".repeat(gap))
            })
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}
