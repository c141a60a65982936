//! The pages of a login: who gets in, who does not, and for whom nobody else does it.

use crate::resource_owner::message::Reason;
use crate::store::Session;
use crate::testing::ACCOUNT;
use crate::testing::browser::{Browser, between, code_request, sent_back, world};
use crate::token::secret;

#[tokio::test]
async fn a_wrong_password_is_told_and_an_unknown_account_looks_the_same() {
    let world = world().await;
    let browser = Browser::new(&world);
    let mut shown = Vec::new();
    for account in [ACCOUNT, "nobody-of-this-name"] {
        let page = browser.open(&code_request(&[])).await;
        let page = browser.fill(&page, &[("account", account)]).await;
        let again = browser.fill(&page, &[("answer0", "wrong")]).await;
        assert!(again.text.contains("The login failed."), "{}", again.text);
        assert!(again.text.contains("role=\"alert\""));
        let page = again.text.replace(account, "NAME");
        let hidden = between(&page, "name=\"i\"", "</label>").to_owned();
        shown.push(page.replace(&hidden, ""));
        assert!(
            !browser
                .cookies
                .borrow()
                .contains_key("__Host-pam-jwt-session")
        );
    }
    assert_eq!(shown.first(), shown.last());
}

/// Who mistypes and comes back later has guessed as often as a password was sent.
#[tokio::test]
async fn a_wrong_password_is_one_guess() {
    let world = world().await;
    let account = [("account", ACCOUNT)];
    for number in 0..6 {
        let browser = Browser::new(&world);
        let page = browser.open(&code_request(&[])).await;
        let page = browser.fill(&page, &account).await;
        assert!(
            page.text.contains("type=\"password\""),
            "{number}: {}",
            page.text
        );
        let again = browser.fill(&page, &[("answer0", "wrong")]).await;
        assert!(again.text.contains("The login failed."), "{}", again.text);
    }
}

/// Login CSRF as well: nobody is logged in as somebody else.
///
/// Checklist: C.5
#[tokio::test]
async fn nobody_else_fills_in_the_pages_of_a_login() {
    let world = world().await;
    let [victim, attacker] = [(); 2].map(|()| Browser::new(&world));
    let account = [("account", ACCOUNT)];
    let name = victim.open(&code_request(&[])).await;
    let theirs = attacker.open(&code_request(&[])).await;
    victim.is_forged_in_vain(&name, &theirs, &account).await;
    let prompt = victim.fill(&name, &account).await;
    let theirs = attacker.fill(&theirs, &account).await;
    let right = [("answer0", crate::testing::PASSWORD)];
    victim.is_forged_in_vain(&prompt, &theirs, &right).await;
    // PAM still waits for the one answer that counts.
    let consent = victim.fill(&prompt, &right).await;
    assert!(consent.text.contains("value=\"allow\""), "{}", consent.text);
    assert_eq!(world.told("login", "done", ""), 1);
    assert_eq!(world.told("login", "refused", ""), 0);
}

/// Session fixation: what was there before the login is not what is there after it.
///
/// Checklist: C.5
#[tokio::test]
async fn a_login_has_a_session_of_its_own() {
    let world = world().await;
    let browser = Browser::new(&world);
    let name = "__Host-pam-jwt-session".to_owned();
    let planted = "A".repeat(43);
    browser
        .cookies
        .borrow_mut()
        .insert(name.clone(), planted.clone());
    let page = browser.open(&code_request(&[("prompt", "login")])).await;
    let _ = browser.log_in(&page).await;
    let first = browser.cookies.borrow().get(&name).cloned().unwrap();
    assert_ne!(first, planted);
    let page = browser.open(&code_request(&[("prompt", "login")])).await;
    let _ = browser.log_in(&page).await;
    let second = browser.cookies.borrow().get(&name).cloned().unwrap();
    assert_ne!(first, second);
    let store = &world.server.store;
    let old = store.session(&secret::digest(&first), world.now()).await;
    assert_eq!(old.unwrap(), None);
}

/// Single sign-on is for accounts that may still log in.
#[tokio::test]
async fn who_was_locked_since_is_asked_anew() {
    let world = world().await;
    let browser = Browser::new(&world);
    let cookie = "A".repeat(43);
    let session = Session {
        account: ACCOUNT.to_owned(),
        uid: 1,
        auth_time: world.now() - 120,
        amr: vec!["pwd".to_owned()],
        expires: world.now() + 3600,
    };
    let digest = secret::digest(&cookie);
    let kept = world.server.store.put_session(&digest, &session).await;
    kept.unwrap();
    let name = "__Host-pam-jwt-session".to_owned();
    browser.cookies.borrow_mut().insert(name, cookie);
    let says = |refused| world.account.lock().unwrap().refused = refused;
    for reason in [
        Reason::AccountExpired,
        Reason::PasswordExpired,
        Reason::AccountUnknown,
    ] {
        says(Some(reason));
        let page = browser.open(&code_request(&[])).await;
        assert!(page.text.contains("Account name"), "{}", page.text);
        let silent = browser.open(&code_request(&[("prompt", "none")])).await;
        assert_eq!(sent_back(&silent, '?').get("error"), Some("login_required"));
        let device = browser.open("/device").await;
        assert!(device.text.contains("Account name"), "{}", device.text);
    }
    // Where PAM does not say, nobody is let in, nor asked for a password in vain.
    says(Some(Reason::Unavailable));
    assert_eq!(browser.open(&code_request(&[])).await.status, 503);
    says(None);
    let page = browser.open(&code_request(&[])).await;
    assert!(page.text.contains("value=\"allow\""), "{}", page.text);
}
