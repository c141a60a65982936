//! The lists as they are served, and for how long.

use super::*;
use crate::endpoint::path;
use crate::testing::{World, claims_of, confidential, typ_of};
use axum::http::Request;
use jose::{Claims, Compact, Header};

async fn world() -> World {
    let world = World::new("", &[confidential("c", "")]).await;
    world.server.next_index().await.unwrap();
    world
}

fn is_set(token: &str, index: u64) -> bool {
    let compact = Compact::parse(token.as_bytes()).unwrap();
    let header = Header::parse(&compact).unwrap();
    let list = StatusList::of(&header, &Claims::parse(compact.payload()).unwrap()).unwrap();
    let bytes = status_list::deflate::inflate(&list.compressed).unwrap();
    let place = usize::try_from(list.bits.place(index)).unwrap();
    list.bits.of(bytes[place], index) == 1
}

#[tokio::test]
async fn what_is_taken_back_is_in_the_next_answer() {
    let world = world().await;
    let before = world.get("/status/0").await;
    assert_eq!(before.status, 200);
    assert_eq!(before.header("content-type"), MEDIA_TYPE);
    assert_eq!(typ_of(&before.text).as_deref(), Some(TYPE));
    let claims = claims_of(&before.text);
    assert_eq!(
        claims.subject.as_deref(),
        Some("https://auth.example.org/status/0")
    );
    assert!(!is_set(&before.text, 77));
    assert_eq!(
        world.get("/status/0").await.text,
        before.text,
        "it is signed once"
    );

    let now = world.now();
    world.server.revoke(&[(77, now + 600)]).await.unwrap();
    let after = world.get("/status/0").await;
    assert!(is_set(&after.text, 77) && !is_set(&after.text, 76));
}

#[tokio::test]
async fn who_has_it_is_told_so() {
    let world = world().await;
    let first = world.get("/status/0").await;
    let ask = async |tag: &str| {
        let request = Request::builder()
            .uri("/status/0")
            .header("if-none-match", tag);
        world.send(request.body(Body::empty()).unwrap()).await
    };
    let same = ask(first.header("etag")).await;
    assert_eq!((same.status, same.text.as_str()), (304, ""));
    assert_eq!(same.header("etag"), first.header("etag"));
    assert_eq!(ask("\"other\"").await.text, first.text);
}

#[tokio::test]
async fn there_are_the_lists_that_were_begun_and_the_next_one() {
    let world = World::new("", &[confidential("c", "")]).await;
    let named = |lists: &[&str]| json!({ "status_lists": lists });
    let [first, second] = [0, 1].map(|list| format!("https://auth.example.org/status/{list}"));
    let all = world.get(path::STATUS).await;
    assert_eq!(all.json(), named(&[&first]));
    assert_eq!(world.get("/status/0").await.status, 200);
    assert_eq!(world.get("/status/1").await.status, 404);
    world.server.next_index().await.unwrap();
    for list in [
        "2",
        "00",
        "+0",
        "-1",
        "0x0",
        "x",
        "%ff",
        "%30%00",
        "18446744073709551616",
        "18446744073709551615",
    ] {
        assert_eq!(
            world.get(&format!("/status/{list}")).await.status,
            404,
            "{list}"
        );
    }
    let all = world.get(path::STATUS).await;
    assert_eq!(all.json(), named(&[&first, &second]));
    assert_eq!(world.get("/status/1").await.status, 200);
    assert_eq!(world.get("/status/0?time=1").await.status, 501);
}

#[tokio::test]
async fn a_list_is_signed_anew_before_it_is_old() {
    let world = world().await;
    let settings = world.server.settings();
    let lists = &world.server.status_lists;
    let now = world.now();
    let at = |later| {
        let copy = lists.current(0, now + later, &settings, &world.server.revoked);
        copy.unwrap().at - now
    };
    assert_eq!([0, 59, 60, 119, 120].map(at), [0, 0, 60, 60, 120]);
    // The clock was set back.
    assert_eq!(at(10), 10);
}
