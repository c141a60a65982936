//! A browser at the pages, in process: what it is sent, and what a forged form gets.

use super::{
    ACCOUNT, Answer, CHALLENGE, CONFIG, ISSUER, PASSWORD, REDIRECT, World, confidential, form_of,
    public,
};
use crate::endpoint::issuer_path;
use crate::parameters::Parameters;
use axum::body::Body;
use axum::http::Request;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What a browser says of a form that a page of the same server sends.
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");

/// A browser with its cookies.
pub struct Browser<'w> {
    world: &'w World,
    issuer: String,
    /// Its cookies, by name.
    pub cookies: RefCell<BTreeMap<String, String>>,
}

/// The form of a page: where it goes, and its fields.
pub struct PageForm {
    action: String,
    fields: Vec<(&'static str, String)>,
}

impl PageForm {
    /// That of this page.
    pub fn of(page: &Answer) -> Self {
        let action = between(&page.text, "action=\"", "\"").to_owned();
        let fields = ["i", "token", "step"].map(|name| {
            let before = format!("name=\"{name}\" value=\"");
            (name, between(&page.text, &before, "\"").to_owned())
        });
        let fields = fields.to_vec();
        Self { action, fields }
    }

    /// A field that is hidden in it.
    pub fn field(&self, wanted: &str) -> &str {
        let field = self.fields.iter().find(|(name, _)| *name == wanted);
        &field.unwrap().1
    }

    /// Without a field.
    fn without(mut self, unwanted: &str) -> Self {
        self.fields.retain(|(name, _)| *name != unwanted);
        self
    }

    /// With another value in a field.
    fn with(self, name: &'static str, value: &str) -> Self {
        let mut form = self.without(name);
        form.fields.push((name, value.to_owned()));
        form
    }

    /// As it is sent, with what was typed.
    pub fn typed(&self, typed: &[(&str, &str)]) -> String {
        let hidden = self.fields.iter();
        let hidden = hidden.map(|(name, value)| (*name, value.as_str()));
        form_of(&hidden.chain(typed.iter().copied()).collect::<Vec<_>>())
    }
}

impl<'w> Browser<'w> {
    /// One that was never here.
    pub fn new(world: &'w World) -> Self {
        Self {
            world,
            issuer: world.server.settings().config.issuer.clone(),
            cookies: RefCell::default(),
        }
    }

    /// Sends anything, to an address of the server or to a path below its issuer's.
    pub async fn send(
        &self,
        method: &str,
        address: &str,
        body: impl Into<Body>,
        fields: &[(&str, &str)],
    ) -> Answer {
        let below = address.strip_prefix(&self.issuer).unwrap_or(address);
        let own_path = issuer_path(&self.issuer);
        let cookies = self.cookies.borrow().clone();
        let cookies = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{own_path}{below}"))
            .header("cookie", cookies.collect::<Vec<_>>().join("; "));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let answer = self.world.send(request.body(body.into()).unwrap()).await;
        let (prefix, path) = match own_path {
            "" => ("__Host-", "/"),
            below => ("__Secure-", below),
        };
        for set in answer.headers.get_all("set-cookie") {
            let set = set.to_str().unwrap();
            let attributes = format!("; Path={path}; HttpOnly; SameSite=Lax; Secure");
            assert!(set.contains(&attributes), "{set}");
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            assert!(name.starts_with(prefix), "{set}");
            let mut cookies = self.cookies.borrow_mut();
            cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    /// Sends a form, with one more field in the head.
    pub async fn send_form(&self, address: &str, form: String, more: (&str, &str)) -> Answer {
        let of_form = ("content-type", "application/x-www-form-urlencoded");
        self.send("POST", address, form, &[of_form, more]).await
    }

    /// Asks for an address.
    pub async fn get(&self, address: &str) -> Answer {
        self.send("GET", address, Body::empty(), &[]).await
    }

    /// Asks for an address, and for where that leads within the server, up to a page or outside.
    pub async fn open(&self, address: &str) -> Answer {
        let answer = self.get(address).await;
        self.follow(answer).await
    }

    async fn follow(&self, mut answer: Answer) -> Answer {
        while answer.status == 303 && answer.header("location").starts_with(&self.issuer) {
            let to = answer.header("location").to_owned();
            answer = self.get(&to).await;
        }
        answer
    }

    /// Fills in the form of a page.
    pub async fn fill(&self, page: &Answer, typed: &[(&str, &str)]) -> Answer {
        let form = PageForm::of(page);
        let answer = self.send_form(&form.action, form.typed(typed), OWN);
        self.follow(answer.await).await
    }

    /// Logs in, from the page that asks for the account's name.
    pub async fn log_in(&self, page: &Answer) -> Answer {
        let page = self.fill(page, &[("account", ACCOUNT)]).await;
        assert!(page.text.contains("type=\"password\""), "{}", page.text);
        self.fill(&page, &[("answer0", PASSWORD)]).await
    }

    /// Has others try to send the form of a page in this browser, with what is typed there: from
    /// another site; without the page's token; with that of `other`, a page of another browser; and
    /// as that browser's page. Each is refused, and gives the browser nothing.
    pub async fn is_forged_in_vain(&self, page: &Answer, other: &Answer, typed: &[(&str, &str)]) {
        let form = || PageForm::of(page);
        let theirs = PageForm::of(other);
        let action = form().action;
        let two_tokens = form().typed(&[&[("token", theirs.field("token"))], typed].concat());
        for (what, form, more, status) in [
            (
                "another site's",
                form().typed(typed),
                ("sec-fetch-site", "cross-site"),
                403,
            ),
            (
                "another host's",
                form().typed(typed),
                ("sec-fetch-site", "same-site"),
                403,
            ),
            (
                "typed",
                form().typed(typed),
                ("sec-fetch-site", "none"),
                403,
            ),
            (
                "another origin's",
                form().typed(typed),
                ("origin", "https://evil.example"),
                403,
            ),
            ("no token", form().without("token").typed(typed), OWN, 403),
            (
                "an empty token",
                form().with("token", "").typed(typed),
                OWN,
                403,
            ),
            (
                "a guess",
                form().with("token", &"0".repeat(64)).typed(typed),
                OWN,
                403,
            ),
            (
                "another's token",
                form().with("token", theirs.field("token")).typed(typed),
                OWN,
                403,
            ),
            ("two tokens", two_tokens, OWN, 400),
            ("no interaction", form().without("i").typed(typed), OWN, 400),
            ("another's form", theirs.typed(typed), OWN, 400),
        ] {
            let answer = self.send_form(&action, form, more).await;
            assert_eq!(answer.status, status, "{what}: {}", answer.text);
            for name in ["location", "set-cookie"] {
                assert_eq!(answer.header(name), "", "{what}");
            }
        }
        // Nor in a browser that knows nothing of it.
        let nobody = Browser::new(self.world);
        let form = form();
        let answer = nobody.send_form(&form.action, form.typed(typed), OWN);
        assert_eq!(answer.await.status, 400);
    }
}

/// What is between two texts.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.1.split(after).next().unwrap()
}

/// The parameters that the client gets.
pub fn sent_back(answer: &Answer, mark: char) -> Parameters {
    assert_eq!(answer.status, 303, "{}", answer.text);
    let location = answer.header("location");
    let query = location
        .strip_prefix(REDIRECT)
        .and_then(|rest| rest.strip_prefix(mark));
    Parameters::parse(query.unwrap_or_else(|| panic!("{location}")).as_bytes()).unwrap()
}

/// A server of this issuer, with clients that send browsers to it.
pub async fn world_of(issuer: &str) -> World {
    let browser = format!(
        "redirect_uris = [\"{REDIRECT}\"]\nscopes = [\"openid\", \"ssh\", \"ops\"]\n\
         client_name = \"Site & Co\"\n"
    );
    let code = "grant_types = [\"authorization_code\", \"refresh_token\", \
                \"urn:ietf:params:oauth:grant-type:device_code\"]\n";
    World::new(
        &format!("issuer = \"{issuer}\"\n{CONFIG}"),
        &[
            confidential("web", &format!("{code}{browser}")),
            public("app", &format!("{code}{browser}")),
            public(
                "old",
                &format!("grant_types = [\"implicit\", \"refresh_token\"]\n{browser}"),
            ),
        ],
    )
    .await
}

/// The usual one.
pub async fn world() -> World {
    world_of(ISSUER).await
}

/// The path of a client's request.
pub fn request(client: &str, more: &[(&str, &str)]) -> String {
    let base = [
        ("client_id", client),
        ("redirect_uri", REDIRECT),
        ("state", "a b&c=%41\"'<é"),
    ];
    format!("/authorize?{}", form_of(&[&base, more].concat()))
}

/// The path of a request for a code.
pub fn code_request(more: &[(&str, &str)]) -> String {
    let base = [
        ("response_type", "code"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    request("app", &[&base, more].concat())
}
