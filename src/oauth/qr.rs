//! An address as a QR code (ISO/IEC 18004), for a telephone's camera.

use qrcode::{Color, EcLevel, QrCode};

/// The most modules in a row: with a margin and two in a line of text, what still fits on a
/// terminal of 80 columns (version 14).
const MOST: usize = 73;

/// The code's rows, `1` for dark; none where the address is too long for a terminal. With the
/// least error correction, since a screen has no dirt on it and each row counts.
pub fn modules(address: &str) -> Vec<String> {
    let Ok(code) = QrCode::with_error_correction_level(address, EcLevel::L) else {
        return Vec::new();
    };
    let side = code.width();
    if side > MOST {
        return Vec::new();
    }
    let module = |color: &Color| color.select('1', '0');
    code.to_colors()
        .chunks(side)
        .map(|row| row.iter().map(module).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_a_square_with_its_three_corners() {
        let rows = modules("https://login.example.org/device?user_code=WDJB-MJHT");
        assert!(rows.iter().all(|row| row.len() == rows.len()));
        let eye = ["1111111", "1000001", "1011101"];
        for (row, corner) in rows.iter().zip(eye) {
            assert!(row.starts_with(corner) && row.ends_with(corner), "{row}");
        }
        assert!(rows.last().unwrap().starts_with("1111111"));
        assert_eq!(modules(&"x".repeat(2000)), Vec::<String>::new());
    }
}
