use super::*;
use crate::token::unsigned;
use serde_json::json;

const NOW: u64 = 1_800_000_000;

/// A token of so many bytes: the last part of one is lengthened, by which it stays strict
/// base64url where its length allows.
fn token(bytes: usize, aud: &str) -> Token {
    let claims = |pad: usize| json!({ "aud": aud, "exp": NOW + 60, "pad": "x".repeat(pad) });
    let mut text = (0..bytes)
        .map(|pad| unsigned(&claims(pad)))
        .find(|text| text.len() + 1 >= bytes)
        .expect("long enough");
    while text.len() < bytes {
        text.push(b'A');
    }
    Token::parse(text).expect("a token")
}

fn conversation(force: bool) -> Conversation {
    let target = Target {
        user: "alice".to_owned(),
        host: "web1".to_owned(),
        batch: false,
        alive_interval: "0".to_owned(),
    };
    Conversation::new(target, vec!["ssh://web1".to_owned()], force)
}

/// What comes of a prompt, in words: the length of a piece, or what is said.
fn ask(conversation: &mut Conversation, prompt: &str, bytes: usize) -> String {
    let answer = conversation.answer(prompt.as_bytes(), NOW, || Ok(token(bytes, "ssh://web1")));
    words(&answer)
}

fn words(answer: &Answer) -> String {
    match answer {
        Answer::Piece(piece, None) => piece.len().to_string(),
        Answer::Piece(piece, Some(word)) => format!("{word}: {}", piece.len()),
        Answer::Terminal(None) => "terminal".to_owned(),
        Answer::Terminal(Some(word)) => word.clone(),
        Answer::Fail(word) => format!("failure {word:?}"),
    }
}

const FIRST: &str = "(alice@web1) Password or token: ";

fn continued(offset: usize) -> String {
    format!("(alice@web1) token[{offset}]: ")
}

#[test]
fn a_token_is_given_piece_by_piece_and_once() {
    for (bytes, pieces) in [
        (300, &["300"][..]),
        (499, &["499"]),
        (500, &["500", "0"]),
        (1000, &["500", "500", "0"]),
        (1023, &["500", "500", "23"]),
        (1501, &["500", "500", "500", "1"]),
    ] {
        let mut conversation = conversation(false);
        for (at, expected) in pieces.iter().enumerate() {
            let prompt = if at == 0 {
                FIRST.to_owned()
            } else {
                continued(at * 500)
            };
            assert!(!conversation.is_over());
            assert_eq!(ask(&mut conversation, &prompt, bytes), *expected, "{bytes}");
        }
        assert!(conversation.is_over());
        assert_eq!(ask(&mut conversation, &continued(bytes), bytes), "terminal");
        let again = ask(&mut conversation, FIRST, bytes);
        assert!(again.contains("did not accept"), "{again}");
        assert_eq!(ask(&mut conversation, FIRST, bytes), "terminal");
    }
}

#[test]
fn who_asks_out_of_order_gets_no_more() {
    for prompt in [continued(1000), continued(2000), FIRST.to_owned()] {
        let mut conversation = conversation(false);
        assert_eq!(ask(&mut conversation, &continued(500), 3000), "terminal");
        assert_eq!(ask(&mut conversation, FIRST, 3000), "500");
        let odd = ask(&mut conversation, &prompt, 3000);
        assert!(odd.contains("other pieces"), "{odd}");
        for prompt in [continued(500), continued(1000)] {
            assert_eq!(ask(&mut conversation, &prompt, 3000), "terminal");
        }
    }
}

#[test]
fn prompts_of_others_and_other_prompts_are_the_terminals() {
    let mut conversation = conversation(false);
    for prompt in [
        "(alice@bastion) token: ",
        "(alice@bastion) (alice@web1) token: ",
    ] {
        let word = ask(&mut conversation, prompt, 300);
        let first = prompt.len() == "(alice@bastion) token: ".len();
        assert_eq!(word.contains("does not come from web1"), first, "{word}");
    }
    for prompt in [
        "",
        "token: ",
        "token[500]: ",
        "(alice@web1) Password: ",
        "(alice@web1) \u{1b}[2Jtoken: ",
        "Enter passphrase for key '/home/alice/.ssh/id_ed25519': ",
        "alice@bastion's password: ",
        "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
    ] {
        assert_eq!(ask(&mut conversation, prompt, 300), "terminal", "{prompt}");
        assert!(!conversation.is_over());
    }
    // None of them was in the way of the real one.
    assert_eq!(ask(&mut conversation, FIRST, 300), "300");
}

#[test]
fn a_token_that_is_not_for_this_host_does_not_leave_and_is_told_of_once() {
    let answer = |conversation: &mut Conversation| {
        let other = || Ok(token(300, "ssh://other"));
        words(&conversation.answer(FIRST.as_bytes(), NOW, other))
    };
    let mut careful = conversation(false);
    let word = answer(&mut careful);
    assert!(
        word.contains("was not sent to web1: it is for ssh://other"),
        "{word}"
    );
    assert_eq!(answer(&mut careful), "terminal");
    assert_eq!(answer(&mut conversation(true)), "300");
    let late =
        conversation(true).answer(FIRST.as_bytes(), NOW + 61, || Ok(token(300, "ssh://web1")));
    assert!(words(&late).contains("expired 1s ago"), "{}", words(&late));
}

#[test]
fn what_a_look_at_the_token_brought_is_told_with_its_first_piece() {
    let remark = Some("none of yours".to_owned());
    let mut known = conversation(false).of_known_token(remark);
    assert_eq!(ask(&mut known, FIRST, 900), "none of yours: 500");
    assert_eq!(ask(&mut known, &continued(500), 900), "400");
    let again = ask(&mut known, FIRST, 900);
    assert!(!again.contains("bound"), "{again}");
}

#[test]
fn a_binding_that_was_seen_too_late_is_told_of_where_the_token_was_not_accepted() {
    let claims = json!({ "aud": "ssh://web1", "exp": NOW + 60, "cnf": { "jkt": "thumb" } });
    let answer = |conversation: &mut Conversation| {
        let source = || Token::parse(unsigned(&claims));
        words(&conversation.answer(FIRST.as_bytes(), NOW, source))
    };
    let mut late = conversation(false);
    assert!(answer(&mut late).parse::<usize>().is_ok());
    let again = answer(&mut late);
    assert!(
        again.contains("\"thumb\"") && again.contains("`bound = true`"),
        "{again}"
    );
    let mut known = conversation(false).of_known_token(None);
    assert!(answer(&mut known).parse::<usize>().is_ok());
    assert!(!answer(&mut known).contains("thumb"));
}

#[test]
fn a_token_that_cannot_be_had_is_sought_once() {
    let mut sought = 0;
    let mut conversation = conversation(false);
    let mut seek = || {
        let source = || {
            sought += 1;
            Err("there is none".to_owned())
        };
        words(&conversation.answer(FIRST.as_bytes(), NOW, source))
    };
    assert_eq!(seek(), "there is none");
    assert_eq!(seek(), "terminal");
    assert_eq!(sought, 1);
}

#[test]
fn the_method_password_is_the_users_and_is_told_of_once() {
    let mut conversation = conversation(false);
    let prompt = "alice@web1's password: ";
    let word = ask(&mut conversation, prompt, 300);
    assert!(word.contains("KbdInteractiveAuthentication yes"), "{word}");
    assert_eq!(ask(&mut conversation, prompt, 300), "terminal");
}

#[test]
fn in_batch_mode_nothing_goes_to_the_terminal() {
    let mut conversation = conversation(false);
    conversation.target.batch = true;
    for (prompt, failure) in [
        (
            "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
            "failure None",
        ),
        ("(alice@web1) Password: ", "failure None"),
        ("alice@web1's password: ", "failure Some("),
        (FIRST, "300"),
        (FIRST, "failure Some("),
    ] {
        let answer = ask(&mut conversation, prompt, 300);
        assert!(answer.starts_with(failure), "{prompt}: {answer}");
    }
}

#[test]
fn who_was_asked_for_the_token_is_told_nothing_of_the_method_password() {
    let prompt = "alice@web1's password: ";
    let mut given = conversation(false);
    assert_eq!(ask(&mut given, FIRST, 300), "300");
    assert_eq!(ask(&mut given, prompt, 300), "terminal");
    let mut unfit = conversation(false);
    let expired = unfit.answer(FIRST.as_bytes(), u64::MAX, || Ok(token(300, "ssh://web1")));
    assert!(words(&expired).contains("expired"));
    assert_eq!(ask(&mut unfit, prompt, 300), "terminal");
}
