//! The page that asks for consent: who refuses is believed, and nobody else answers.

use crate::testing::ISSUER;
use crate::testing::browser::{Browser, code_request, sent_back, world};

/// Checklist: C.2
#[tokio::test]
async fn who_refuses_is_believed() {
    let world = world().await;
    let browser = Browser::new(&world);
    let consent = browser
        .log_in(&browser.open(&code_request(&[])).await)
        .await;
    let answer = browser.fill(&consent, &[("decision", "deny")]).await;
    let back = sent_back(&answer, '?');
    assert_eq!(back.get("error"), Some("access_denied"));
    assert_eq!((back.get("iss"), back.get("code")), (Some(ISSUER), None));
    let only_others = browser.open(&code_request(&[("scope", "ops")])).await;
    assert_eq!(
        sent_back(&only_others, '?').get("error"),
        Some("access_denied")
    );
}

/// Checklist: C.5
#[tokio::test]
async fn nobody_else_allows_what_a_person_is_asked_for() {
    let world = world().await;
    let [victim, attacker] = [(); 2].map(|()| Browser::new(&world));
    let consent = victim.log_in(&victim.open(&code_request(&[])).await).await;
    // The attacker has an account as well.
    let page = attacker.open(&code_request(&[])).await;
    let theirs = attacker.log_in(&page).await;
    let allow = [("decision", "allow")];
    victim.is_forged_in_vain(&consent, &theirs, &allow).await;
    let consent = victim.open(&code_request(&[])).await;
    assert!(consent.text.contains("value=\"allow\""), "{}", consent.text);
    let answer = victim.fill(&consent, &allow).await;
    assert!(sent_back(&answer, '?').get("code").is_some());
}
