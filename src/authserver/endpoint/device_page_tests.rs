//! The pages where a device is let in.

use crate::store::{Device, Poll};
use crate::testing::World;
use crate::testing::browser::{Browser, world};
use crate::token::secret;

/// A device that waits for the person who types this code.
async fn device(world: &World, device_code: &str, user_code: &str) {
    let device = Device {
        client_id: "app".to_owned(),
        scopes: vec!["ssh".to_owned()],
        resources: Vec::new(),
    };
    let expires = world.now() + 600;
    let store = &world.server.store;
    let digest = secret::digest(user_code);
    let kept = store.put_device(device_code, &digest, &device, 5, expires);
    assert!(kept.await.unwrap());
}

async fn poll(world: &World, device_code: &str) -> Poll {
    let store = &world.server.store;
    let poll = store.poll_device(device_code, "app", world.now()).await;
    poll.unwrap()
}

/// Checklist: C.13
#[tokio::test]
async fn a_device_is_let_in_by_its_code_and_an_account_has_five_wrong_tries() {
    let world = world().await;
    device(&world, "device", "BCDFGHJK").await;
    let browser = Browser::new(&world);
    let page = browser.open("/device?user_code=bcdf-ghjk").await;
    let code = browser.log_in(&page).await;
    assert!(code.text.contains("value=\"BCDF-GHJK\""), "{}", code.text);
    let consent = browser.fill(&code, &[("user_code", " bcdfg hjk ")]).await;
    for shown in ["BCDF-GHJK", "Site &#38; Co", "Log in to hosts"] {
        assert!(consent.text.contains(shown), "{shown}: {}", consent.text);
    }
    let done = browser.fill(&consent, &[("decision", "allow")]).await;
    assert!(
        done.text.contains("Your device is logged in"),
        "{}",
        done.text
    );
    let poll = poll(&world, "device").await;
    assert!(matches!(poll, Poll::Ready(_)), "{poll:?}");

    device(&world, "other", "KJHGFDCB").await;
    let mut page = browser.open("/device").await;
    for _ in 0..5 {
        page = browser.fill(&page, &[("user_code", "BBBB-BBBB")]).await;
        assert!(page.text.contains("There is no such code"), "{}", page.text);
    }
    page = browser.fill(&page, &[("user_code", "KJHG-FDCB")]).await;
    assert!(page.text.contains("too many wrong codes"), "{}", page.text);
    let page = browser.open("/device").await;
    let page = browser.fill(&page, &[("user_code", "KJHG-FDCB")]).await;
    assert!(page.text.contains("too many wrong codes"), "{}", page.text);
}

/// Neither the code's page nor the confirmation is filled in by anybody else.
///
/// Checklist: C.5, C.13
#[tokio::test]
async fn nobody_else_lets_a_device_in() {
    let world = world().await;
    device(&world, "victims", "BCDFGHJK").await;
    device(&world, "attackers", "KJHGFDCB").await;
    let [victim, attacker] = [(); 2].map(|()| Browser::new(&world));
    let code = victim.log_in(&victim.open("/device").await).await;
    let theirs = attacker.log_in(&attacker.open("/device").await).await;
    let typed = [("user_code", "KJHG-FDCB")];
    victim.is_forged_in_vain(&code, &theirs, &typed).await;
    let confirm = victim.fill(&code, &[("user_code", "BCDF-GHJK")]).await;
    assert!(confirm.text.contains("BCDF-GHJK"), "{}", confirm.text);
    let theirs = attacker.fill(&theirs, &typed).await;
    let allow = [("decision", "allow")];
    victim.is_forged_in_vain(&confirm, &theirs, &allow).await;
    for code in ["victims", "attackers"] {
        assert!(matches!(poll(&world, code).await, Poll::Pending), "{code}");
    }
    let done = victim.fill(&confirm, &allow).await;
    assert!(
        done.text.contains("Your device is logged in"),
        "{}",
        done.text
    );
}
