//! What a person sees of what a program printed on a terminal.

use crate::Machine;

/// The colours of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// White on black.
    Dark,
    /// Black on white.
    Light,
}

impl Machine {
    /// A picture of a terminal of 80 columns and 50 lines that was printed on, as PNG: xterm.js
    /// draws it in Chromium.
    pub fn picture(&self, printed: &str, colours: Colours) -> Vec<u8> {
        let [foreground, background] = match colours {
            Colours::Dark => ["#ffffff", "#000000"],
            Colours::Light => ["#000000", "#ffffff"],
        };
        let file = format!("/run/picture.{}.png", self.serial());
        self.node(&["picture.mjs", &file, foreground, background])
            .stdin(printed)
            .run()
            .expect_success();
        self.inside(|| std::fs::read(&file)).expect("a picture")
    }

    /// What the QR codes in a picture say, a line for each, by zbar; light on dark too, as
    /// cameras take them.
    pub fn scan(&self, picture: &[u8]) -> String {
        let file = format!("/run/picture.{}.png", self.serial());
        self.write(&file, picture, 0o644);
        let scan = [
            "zbarimg",
            "--quiet",
            "--raw",
            "-Sdisable",
            "-Sqrcode.enable",
            "-Stest-inverted",
            &file,
        ];
        self.run(scan).expect_success().stdout
    }
}
