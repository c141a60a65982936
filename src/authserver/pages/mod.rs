//! The pages: plain HTML for any browser, without a script. What is shown of a client, an account
//! or PAM is escaped by the templates.

pub mod field;

pub use field::Field;

use askama::Template;
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use std::sync::LazyLock;

/// The style of all pages.
pub const STYLE: &str = include_str!("../templates/style.css");

/// By what the policy knows the style (CSP3 §6.7.3.3).
static STYLE_SOURCE: LazyLock<String> = LazyLock::new(|| {
    let digest = jose::digest::sha256_base64url(STYLE.as_bytes());
    let digest = Base64UrlUnpadded::decode_vec(&digest).unwrap_or_default();
    format!("'sha256-{}'", Base64::encode_string(&digest))
});

/// A text that stands above a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whether something is wrong.
    pub is_error: bool,
    /// What it says; it may have several lines.
    pub text: String,
}

impl Notice {
    /// Something is wrong.
    pub fn error(text: impl Into<String>) -> Self {
        Self {
            is_error: true,
            text: text.into(),
        }
    }
}

/// What every page has.
pub struct Frame<'a> {
    /// Its heading.
    pub title: &'a str,
    /// Whose page it is: the issuer's host.
    pub host: &'a str,
    /// What there is to say.
    pub notices: &'a [Notice],
}

impl Frame<'_> {
    fn has_error(&self) -> bool {
        self.notices.iter().any(|notice| notice.is_error)
    }
}

/// What every form has.
pub struct Form<'a> {
    /// Where it goes.
    pub action: String,
    /// What it belongs to.
    pub interaction: &'a str,
    /// That it comes from there.
    pub token: String,
    /// How far that was.
    pub step: u64,
}

/// Who logs in?
#[derive(Template)]
#[template(path = "name.html")]
pub struct NamePage<'a> {
    /// Heading and notices.
    pub frame: Frame<'a>,
    /// Where it goes.
    pub form: Form<'a>,
    /// What comes after it.
    pub client: Option<&'a str>,
    /// Who probably logs in.
    pub account: &'a str,
}

/// What PAM asks.
#[derive(Template)]
#[template(path = "prompts.html")]
pub struct PromptsPage<'a> {
    /// Heading and notices, PAM's among them.
    pub frame: Frame<'a>,
    /// Where it goes.
    pub form: Form<'a>,
    /// What comes after it.
    pub client: Option<&'a str>,
    /// Who logs in.
    pub account: &'a str,
    /// The prompts; none where PAM waits for something else.
    pub fields: Vec<Field>,
}

/// May the client have it?
#[derive(Template)]
#[template(path = "consent.html")]
pub struct ConsentPage<'a> {
    /// Heading and notices.
    pub frame: Frame<'a>,
    /// Where it goes.
    pub form: Form<'a>,
    /// Who asks.
    pub client: &'a str,
    /// Who is asked.
    pub account: &'a str,
    /// The code of the device that asks.
    pub user_code: Option<&'a str>,
    /// What it will be able to do.
    pub allows: Vec<&'a str>,
    /// What it asks for and does not get.
    pub dropped: Vec<&'a str>,
    /// Where it will be able to.
    pub resources: &'a [String],
    /// Where the browser goes then.
    pub place: Option<&'a str>,
}

/// Which code does the device show?
#[derive(Template)]
#[template(path = "code.html")]
pub struct CodePage<'a> {
    /// Heading and notices.
    pub frame: Frame<'a>,
    /// Where it goes.
    pub form: Form<'a>,
    /// Who is logged in.
    pub account: &'a str,
    /// The code, where the address had one.
    pub user_code: &'a str,
}

/// Nothing to fill in.
#[derive(Template)]
#[template(path = "message.html")]
pub struct MessagePage<'a> {
    /// Heading and notices.
    pub frame: Frame<'a>,
    /// What it says.
    pub lines: &'a [&'a str],
}

/// A page as it is sent. Nobody keeps it, no other page frames it, and it loads and runs nothing;
/// its forms go to the server itself, and from there to what `sources` says.
pub fn page(status: StatusCode, template: &impl Template, sources: &str) -> Response<Body> {
    // To a String nothing fails.
    let html = template.render().unwrap_or_default();
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let style = STYLE_SOURCE.as_str();
    let policy = format!(
        "default-src 'none'; style-src {style}; form-action 'self' {sources}; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    let headers = response.headers_mut();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(CONTENT_TYPE, html);
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    guard(&mut response);
    response
}

/// Sends the browser on, which asks there with GET whatever it has sent here (303, RFC 9110
/// §15.4.4): a form with a password is not sent on.
pub fn see_other(address: &str) -> Option<Response<Body>> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let address = HeaderValue::from_str(address).ok()?;
    response.headers_mut().insert(LOCATION, address);
    guard(&mut response);
    Some(response)
}

fn guard(response: &mut Response<Body>) {
    let own = HeaderName::from_static;
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (X_FRAME_OPTIONS, "DENY"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (own("cross-origin-opener-policy"), "same-origin"),
        (own("cross-origin-resource-policy"), "same-origin"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests;
