use super::*;
use base64ct::{Base64, Encoding};
use jose::PublicKey;
use jose::confirmation::{claim, named_key};

/// RFC 4251 §5.
fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

/// A key that is called by a letter, or `k-cert`, a certificate for `k`.
fn key(name: &str) -> Public {
    let bytes = string(&[name.as_bytes()[0]; 32]);
    let (kind, parts) = if name.ends_with("-cert") {
        let kind = "ssh-ed25519-cert-v01@openssh.com";
        (kind, [string(b"nonce"), bytes, b"the rest".to_vec()])
    } else {
        ("ssh-ed25519", [bytes, Vec::new(), Vec::new()])
    };
    let blob = [string(kind.as_bytes()), parts.concat()].concat();
    Public::of_line(&format!("{kind} {} {name}", Base64::encode_string(&blob))).unwrap()
}

fn named() -> NamedKey {
    named_key(&claim(&PublicKey::ed25519(&[b'k'; 32]).unwrap())).unwrap()
}

/// `a` is a file with both halves, `a.pub` the public half alone; a certificate lies beside
/// its key.
fn files(names: &str) -> Vec<KeyFile> {
    let mut files: Vec<KeyFile> = Vec::new();
    for name in names.split_whitespace() {
        if name.ends_with("-cert") {
            files.last_mut().unwrap().publics.push(key(name));
            continue;
        }
        files.push(KeyFile {
            path: PathBuf::from(format!("/{}", name.trim_end_matches(".pub"))),
            has_private: !name.ends_with(".pub"),
            publics: vec![key(name)],
        });
    }
    files
}

fn keys(names: &str) -> Vec<Public> {
    names.split_whitespace().map(key).collect()
}

fn keyring(configured: &str, others: &str, agent: &str) -> Keyring {
    Keyring {
        configured: files(configured),
        others: files(others),
        agent: keys(agent),
        ..Keyring::default()
    }
}

/// What is added for ssh to offer `k` first, in words.
fn added(keyring: &Keyring, words: Words) -> String {
    let Some(offer) = Offer::of(&named(), keyring, words) else {
        return "none".to_owned();
    };
    let unfiled: Vec<PathBuf> = offer
        .unfiled
        .iter()
        .map(|line| {
            let name = if line.contains("-cert-") {
                "cert"
            } else {
                "agent"
            };
            PathBuf::from(name)
        })
        .collect();
    let words = offer.arguments(&unfiled);
    let mut words: Vec<String> = words
        .into_iter()
        .map(|word| word.into_string().unwrap())
        .filter(|word| word != "-o")
        .collect();
    words.extend(offer.behind.map(|other| format!("behind {other}")));
    words.join(" ")
}

const ONLY: &str = "IdentitiesOnly=yes";
const ALONE: &str = "IdentitiesOnly=yes IdentityAgent=none";

#[test]
fn the_key_is_offered_first_wherever_it_is() {
    let file = format!("IdentityFile=\"/k\" {ONLY}");
    let agent = format!("IdentityFile=\"agent\" {ONLY}");
    let alone = format!("IdentityFile=\"/k\" {ALONE}");
    for (configured, others, of_agent, expected) in [
        // Nowhere.
        ("", "", "", "none"),
        ("a", "b", "a c", "none"),
        // Its public half alone proves nothing.
        ("k.pub", "k.pub", "a", "none"),
        // A file.
        ("", "a k b", "", &*file),
        ("a k", "k", "", &*file),
        ("a", "b k", "c d", &*file),
        ("k", "", "a b c", &*file),
        // The agent, whatever its order.
        ("", "", "a b k", &*agent),
        ("", "", "k", &*agent),
        ("a b", "c", "d e k", &*agent),
        ("a", "", "k a", &*agent),
        // Both.
        ("", "a k", "a b k", &*file),
        ("", "k.pub", "a b k", &*file),
        ("k.pub", "", "a k", &*file),
        ("k a", "", "k a", &*file),
        // Another that is named too, and that the agent has before it.
        ("a", "k", "a", &*alone),
        ("k a", "", "a", &*alone),
        ("a k", "", "b a k", &*alone),
    ] {
        let keyring = keyring(configured, others, of_agent);
        assert_eq!(
            added(&keyring, Words::default()),
            expected,
            "{configured}, {others}, {of_agent}"
        );
    }
}

#[test]
fn what_no_option_can_do_is_said() {
    for (configured, others, of_agent, file) in [
        ("a", "", "a k", "agent"),
        ("a", "k.pub", "b a k", "/k"),
        ("a.pub", "", "b a k", "agent"),
    ] {
        let keyring = keyring(configured, others, of_agent);
        let expected = format!("IdentityFile=\"{file}\" {ONLY} behind a");
        assert_eq!(added(&keyring, Words::default()), expected);
    }
    // A certificate of another key goes before all.
    let certified = Keyring {
        certificates: keys("a-cert"),
        ..keyring("k", "", "")
    };
    let expected = format!("IdentityFile=\"/k\" {ONLY} behind a-cert");
    assert_eq!(added(&certified, Words::default()), expected);
    let certified = Keyring {
        certificates: keys("k-cert"),
        ..keyring("k a", "", "a")
    };
    let expected = format!("IdentityFile=\"/k\" {ONLY}");
    assert_eq!(added(&certified, Words::default()), expected);
}

#[test]
fn what_the_user_says_stands() {
    let said = |identities_only| Words {
        identities_only,
        agent: false,
    };
    let only_file = "IdentityFile=\"/k\"";
    for (configured, others, of_agent, words, expected) in [
        ("", "k", "", said(Some(false)), only_file.to_owned()),
        ("", "k", "a k", said(Some(false)), only_file.to_owned()),
        ("", "k", "a", said(Some(true)), only_file.to_owned()),
        (
            "",
            "k",
            "a",
            said(Some(false)),
            format!("{only_file} behind a"),
        ),
        (
            "a",
            "k",
            "a",
            said(Some(true)),
            format!("{only_file} behind a"),
        ),
        (
            "a",
            "k",
            "a",
            Words {
                identities_only: None,
                agent: true,
            },
            format!("{only_file} {ONLY} behind a"),
        ),
    ] {
        let keyring = keyring(configured, others, of_agent);
        assert_eq!(
            added(&keyring, words),
            expected,
            "{configured}, {others}, {of_agent}"
        );
    }
}

#[test]
fn a_certificate_is_offered_as_its_key_is() {
    for (others, of_agent, expected) in [
        ("k k-cert", "a", "IdentityFile=\"/k\""),
        ("k k-cert", "a k k-cert", "IdentityFile=\"/k\""),
        (
            "k",
            "a k k-cert",
            "IdentityFile=\"/k\" IdentityFile=\"cert\"",
        ),
        (
            "",
            "a k-cert k",
            "IdentityFile=\"cert\" IdentityFile=\"agent\"",
        ),
        ("", "k-cert", "IdentityFile=\"cert\""),
    ] {
        let keyring = keyring("", others, of_agent);
        let expected = format!("{expected} {ONLY}");
        assert_eq!(
            added(&keyring, Words::default()),
            expected,
            "{others}, {of_agent}"
        );
    }
}

#[test]
fn a_path_is_told_so_that_ssh_reads_it() {
    let with = |path: &str| {
        let mut keyring = keyring("", "k", "");
        keyring.others[0].path = PathBuf::from(path);
        added(&keyring, Words::default())
    };
    assert_eq!(
        with("/my keys/100%"),
        format!("IdentityFile=\"/my keys/100%%\" {ONLY}")
    );
    for odd in ["/a\"b", "/a\\b", "/${HOME}", "/a\nb"] {
        assert_eq!(with(odd), "none", "{odd}");
    }
}

#[test]
fn the_user_is_told_of_what_will_fail() {
    let told = |keyring: &Keyring| {
        let offer = Offer::of(&named(), keyring, Words::default());
        remark(&named(), offer.as_ref())
    };
    let thumbprint = PublicKey::ed25519(&[b'k'; 32]).unwrap().thumbprint();
    assert_eq!(told(&keyring("", "k", "")), None);
    let missing = told(&keyring("a", "b", "c")).unwrap();
    assert!(
        missing.contains(&thumbprint) && missing.contains("none of yours"),
        "{missing}"
    );
    let behind = told(&keyring("a", "", "a k")).unwrap();
    assert!(behind.contains("offer a before it"), "{behind}");
}
