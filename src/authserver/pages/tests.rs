//! What every page has to have.

use super::*;

fn message(notices: &[Notice], text: &str) -> Response<Body> {
    let page_shown = MessagePage {
        frame: Frame {
            title: "Title",
            host: "login.example.org",
            notices,
        },
        lines: &[text],
    };
    page(StatusCode::BAD_REQUEST, &page_shown, "https:")
}

async fn html(response: Response<Body>) -> String {
    let body = http_body_util::BodyExt::collect(response.into_body()).await;
    String::from_utf8(body.unwrap().to_bytes().to_vec()).unwrap()
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

/// Clickjacking: no other page frames one of these.
///
/// Checklist: C.5
#[test]
fn no_page_is_framed_kept_or_runs_anything() {
    let response = message(&[], "text");
    let policy = header(&response, "content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    for part in [
        "frame-ancestors 'none'",
        "form-action 'self' https:;",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(
        !policy.contains("-inline") && !policy.contains("-eval") && !policy.contains("script-src")
    );
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(header(&response, name), value);
    }
    let elsewhere = see_other("https://c/cb").unwrap();
    assert_eq!(elsewhere.status(), StatusCode::SEE_OTHER);
    assert_eq!(header(&elsewhere, "cache-control"), "no-store");
    assert!(see_other("https://c/\r\nSet-Cookie: a=b").is_none());
}

#[tokio::test]
async fn what_strangers_write_is_text() {
    let bad = "<script>alert(1)</script>\"'&";
    let shown = html(message(&[Notice::error(bad)], bad)).await;
    assert!(!shown.contains("<script"), "{shown}");
    assert_eq!(shown.matches("&#60;script&#62;").count(), 2, "{shown}");
    // The style is exactly what the policy has the digest of.
    assert!(shown.contains(&format!("<style>{STYLE}</style>")));
    assert!(shown.contains("<title>Error: Title"));
}
