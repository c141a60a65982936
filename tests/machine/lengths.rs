//! Tokens of an exact length, and secrets in the pieces that the module takes.

use crate::{Machine, Terminal};

/// An answer of just so many bytes is continued by the next one.
pub const PIECE: usize = 500;

/// The issuer of the tokens that the machine's own key cannot make so long.
const ISSUER: &str = "https://i";

/// Their keys' kids. Base64url has no text of 4n + 1 characters, so some lengths want a
/// header that is a byte longer; and a token by HMAC is the shortest.
const KIDS: [&str; 3] = ["k", "ki", "kid"];

/// The claim that fills a token up: what it takes, empty, of the payload.
const FILLER: usize = r#","f":"""#.len();

impl Machine {
    /// A token of exactly so many bytes, from about 300 on, from `pam-jwt issue ARGS`
    /// with a claim `f` that fills it up. It is by the machine's own key where that can
    /// make one, or else by another issuer's that it is made to trust in the same way.
    #[must_use]
    pub fn token_of<'a>(&self, bytes: usize, args: impl IntoIterator<Item = &'a str>) -> String {
        let args: Vec<&str> = args.into_iter().collect();
        let of_own_key = self.filled_up(bytes, &args);
        let token = of_own_key.or_else(|| {
            self.trust_short_issuer();
            KIDS.into_iter().find_map(|kid| {
                let key = key_file(kid);
                self.filled_up(bytes, &[&args[..], &["--key", &key]].concat())
            })
        });
        token.unwrap_or_else(|| panic!("no token of `pam-jwt issue {args:?}` has {bytes} bytes"))
    }

    fn filled_up(&self, bytes: usize, args: &[&str]) -> Option<String> {
        let empty = self.token(args.iter().copied());
        let payload = empty.split('.').nth(1).expect("a token").len();
        let wanted = bytes.checked_sub(empty.len() - payload)?;
        if wanted == payload {
            return Some(empty);
        }
        let filler = (wanted * 3 / 4).checked_sub(payload * 3 / 4 + FILLER)?;
        let claim = format!("f={}", "x".repeat(filler));
        let token = self.token(args.iter().copied().chain(["--claim", &claim]));
        (token.len() == bytes).then_some(token)
    }

    /// Like the machine's own issuer, with keys that are there only once.
    fn trust_short_issuer(&self) {
        let path = "/etc/pam-jwt/issuers.d/short.toml";
        if self.inside(|| std::fs::exists(path).unwrap_or(false)) {
            return;
        }
        for kid in KIDS {
            let keygen = ["pam-jwt", "keygen", "--alg", "HS256", "--kid", kid, "--out"];
            let keygen = self.command(keygen).arg(key_file(kid));
            keygen.run().expect_success();
        }
        let keys = KIDS.map(key_file);
        let own = self.read("/etc/pam-jwt/issuers.d/local.toml");
        let lines = own.lines().map(|line| match line.split_once('=') {
            Some((name, _)) if name.trim() == "issuer" => format!("issuer = {ISSUER:?}\n"),
            Some((name, _)) if name.trim() == "keys" => format!("keys = {keys:?}\n"),
            _ => format!("{line}\n"),
        });
        self.write(path, lines.collect::<String>(), 0o644);
    }
}

fn key_file(kid: &str) -> String {
    format!("/etc/pam-jwt/keys/{kid}.jwk")
}

/// The answers that give a secret in pieces: of 500 bytes each, and one that is shorter,
/// perhaps empty, to end it.
#[must_use]
pub fn in_pieces(secret: &str) -> Vec<String> {
    let mut rest = secret;
    let mut pieces = Vec::new();
    while let Some((piece, behind)) = rest.split_at_checked(PIECE) {
        pieces.push(piece.to_owned());
        rest = behind;
    }
    pieces.push(rest.to_owned());
    pieces
}

/// The lengths that every way in is tried with.
pub const LENGTHS: [usize; 9] = [300, 500, 1000, 1023, 1024, 1500, 4096, 6500, 60_000];

/// The prompts that a secret in pieces is asked for with.
#[must_use]
pub fn prompts(secret: &str) -> Vec<String> {
    let further = (1..in_pieces(secret).len()).map(|at| format!("token[{}]: ", at * PIECE));
    std::iter::once("Password or token: ".to_owned())
        .chain(further)
        .collect()
}

impl Terminal {
    /// Types a secret in pieces, each after its prompt.
    #[track_caller]
    pub fn send_in_pieces(&mut self, secret: &str) -> &mut Self {
        for (prompt, piece) in prompts(secret).iter().zip(in_pieces(secret)) {
            self.expect(prompt).send_line(&piece);
        }
        self
    }
}
