//! What a person sees of what a program printed on a terminal.

use crate::Machine;

/// The colours of a terminal: foreground and background.
const COLOURS: [[&str; 2]; 2] = [["#ffffff", "#000000"], ["#000000", "#ffffff"]];

impl Machine {
    /// Pictures of a terminal of 80 columns and 50 lines that was printed on, a dark one and a
    /// light one, as PNG: xterm.js draws them in Chromium.
    pub fn pictures(&self, printed: &str) -> [Vec<u8>; 2] {
        let number = self.serial();
        let files = [0, 1].map(|which| format!("/run/picture.{number}.{which}.png"));
        let mut draw = self.node(&["picture.mjs"]);
        for (file, colours) in files.iter().zip(COLOURS) {
            draw = draw.arg(file).args(colours);
        }
        draw.stdin(printed).run().expect_success();
        files.map(|file| self.inside(|| std::fs::read(&file)).expect("a picture"))
    }

    /// What the QR code on a terminal says, by zbar, on a dark one as on a light one. It may be
    /// light on dark, as cameras take it.
    ///
    /// # Panics
    ///
    /// If zbar reads none, or more than one.
    pub fn scan(&self, printed: &str) -> String {
        let [dark, light] = self.pictures(printed).map(|picture| {
            let file = format!("/run/picture.{}.png", self.serial());
            self.write(&file, picture, 0o644);
            let scan = ["zbarimg", "--quiet", "--raw", "-Sdisable"];
            let scan = self
                .command(scan)
                .arg("-Sqrcode.enable")
                .arg("-Stest-inverted");
            scan.arg(&file).run().expect_success().stdout
        });
        assert_eq!(dark, light, "{printed}");
        let mut codes = dark.lines();
        match (codes.next(), codes.next()) {
            (Some(code), None) => code.to_owned(),
            _ => panic!("one code: {dark:?}"),
        }
    }
}
