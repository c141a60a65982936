//! What the handlers of all pages begin with: which browser asks, what it was doing, and who is
//! logged in there.

use super::error_page::{Trouble, host};
use super::path;
use super::request::Incoming;
use crate::authorization::interaction::{End, Errand, Interaction, Progress};
use crate::error::{Failure, Fault};
use crate::issue::{self, Asked};
use crate::limits::origin::Origin;
use crate::pages::{Form, Frame, MessagePage, Notice, page, see_other};
use crate::parameters::Parameters;
use crate::session::{Cookie, Cookies, form_token};
use crate::settings::Settings;
use crate::state::Server;
use crate::store::Session;
use crate::token::secret::{self, Secret};
use axum::body::Body;
use axum::http::header::SET_COOKIE;
use axum::http::{Response, StatusCode};
use clients::Client;
use std::sync::Arc;

/// A request of a browser.
pub struct Visit<'a> {
    /// The server.
    pub server: &'a Server,
    /// Its settings, as they were when the request came.
    pub settings: Arc<Settings>,
    /// The request.
    pub request: &'a Incoming,
    /// How the cookies are called.
    pub cookies: Cookies,
    /// When it came, in seconds since the epoch.
    pub now: u64,
}

/// Something that a browser was doing, and comes back to.
pub struct Ongoing {
    /// Where it is found.
    pub id: String,
    /// What it is.
    pub interaction: Arc<Interaction>,
    /// The browser's cookie.
    browser: String,
}

/// Who is logged in.
pub struct LoggedIn {
    /// Since when, and how.
    pub session: Session,
    /// The digest of the session's cookie.
    pub digest: String,
    /// The account's groups now.
    pub groups: Vec<String>,
}

impl<'a> Visit<'a> {
    /// Of this request.
    ///
    /// # Errors
    /// The clock's.
    pub fn new(server: &'a Server, request: &'a Incoming) -> Result<Self, Fault> {
        let settings = server.settings();
        Ok(Self {
            cookies: Cookies::of(&settings.config.issuer),
            now: server.now()?,
            server,
            settings,
            request,
        })
    }

    /// Where and when this is.
    pub fn asked(&self) -> Asked<'_> {
        Asked {
            server: self.server,
            settings: &self.settings,
            peer: self.request.peer,
            now: self.now,
        }
    }

    /// Whether nobody but the client has registered it (RFC 7591).
    pub fn has_registered_itself(&self, client: &Client) -> bool {
        self.settings.clients.get(&client.client_id).is_none()
    }

    /// As what limits count who asks.
    pub fn origin(&self) -> Origin {
        Origin::from(self.request.peer)
    }

    /// Begins something, and sends the browser to a page of it.
    ///
    /// # Errors
    /// [`Trouble::Full`]
    pub fn begin(
        &self,
        path: &str,
        errand: Errand,
        account: &str,
    ) -> Result<Response<Body>, Trouble> {
        let known = self.cookies.read(&self.request.headers, Cookie::Browser);
        let new = match known {
            Some(_) => None,
            None => Some(Secret::new()?.text),
        };
        let browser = known.or(new.as_deref().map(String::as_str));
        let begun = self.server.interactions.begin(
            self.now,
            self.origin(),
            browser.unwrap_or_default(),
            errand,
            account.to_owned(),
        );
        let mut response = self.sent_to(path, &begun.ok_or(Trouble::Full)?)?;
        if let Some(new) = new {
            self.give(&mut response, Cookie::Browser, &new, None);
        }
        Ok(response)
    }

    /// What the browser was doing, by the id in the address.
    ///
    /// # Errors
    /// [`Trouble::Over`]
    pub fn ongoing(&self, parameters: &Parameters) -> Result<Ongoing, Trouble> {
        let browser = self.cookies.read(&self.request.headers, Cookie::Browser);
        let (browser, id) = browser.zip(parameters.get("i")).ok_or(Trouble::Over)?;
        let interaction = self.server.interactions.get(self.now, id);
        let interaction = interaction.filter(|interaction| interaction.is_of(browser));
        Ok(Ongoing {
            id: id.to_owned(),
            interaction: interaction.ok_or(Trouble::Over)?,
            browser: browser.to_owned(),
        })
    }

    /// A form that the browser sends, and what it belongs to.
    ///
    /// # Errors
    /// [`Trouble::Foreign`] where no page of this server has sent it, [`Trouble::Over`]
    pub fn posted(&self) -> Result<(Parameters, Ongoing), Trouble> {
        if !self.cookies.may_be_ours(&self.request.headers) {
            return Err(Trouble::Foreign);
        }
        let form = self.request.form()?;
        let ongoing = self.ongoing(&form)?;
        let token = form_token(&ongoing.browser, &ongoing.id);
        if form.get("token") == Some(token.as_str()) {
            Ok((form, ongoing))
        } else {
            Err(Trouble::Foreign)
        }
    }

    /// The digest of the browser's session, if it says that it has one.
    pub fn session(&self) -> Option<String> {
        let cookie = self.cookies.read(&self.request.headers, Cookie::Session);
        cookie.map(secret::digest)
    }

    /// Who is logged in, if the account is still who it was and may still log in.
    ///
    /// # Errors
    /// The store's, and the account database's.
    pub async fn logged_in(&self) -> Result<Option<LoggedIn>, Fault> {
        let Some(digest) = self.session() else {
            return Ok(None);
        };
        let Some(session) = self.server.store.session(&digest, self.now).await? else {
            return Ok(None);
        };
        match issue::owner(self.asked(), &session.account).await {
            Ok(owner) if owner.uid == session.uid => Ok(Some(LoggedIn {
                session,
                digest,
                groups: owner.groups,
            })),
            Err(Failure::Fault(fault)) => Err(fault),
            _ => Ok(None),
        }
    }

    /// Sends the browser to a page of this server.
    ///
    /// # Errors
    /// The server's.
    pub fn sent_to(&self, path: &str, id: &str) -> Result<Response<Body>, Fault> {
        sent(&format!("{}?i={id}", self.at(path)))
    }

    /// Ends it: sends the browser to where it goes now, or to a page, which may be loaded again.
    ///
    /// # Errors
    /// The server's.
    pub fn end(
        &self,
        ongoing: &Ongoing,
        progress: &mut Progress,
        end: End,
    ) -> Result<Response<Body>, Fault> {
        let response = match &end {
            End::SentTo { address, .. } => sent(address),
            End::Refused(_) | End::Told(..) => self.sent_to(path::CONSENT, &ongoing.id),
        };
        progress.end = Some(end);
        response
    }

    /// What was told at the end, again.
    ///
    /// # Errors
    /// [`Trouble::Over`] where somebody else is logged in, or nobody; and the client's fault.
    pub fn ended(&self, end: &End) -> Result<Response<Body>, Trouble> {
        match end {
            End::SentTo { address, session } if self.session().as_ref() == Some(session) => {
                Ok(sent(address)?)
            }
            End::SentTo { .. } => Err(Trouble::Over),
            End::Refused(error) => Err(error.clone().into()),
            End::Told(title, line) => {
                let shown = MessagePage {
                    frame: self.frame(title, &[]),
                    lines: &[line],
                };
                Ok(page(StatusCode::OK, &shown, ""))
            }
        }
    }

    /// Gives the browser a cookie.
    pub fn give(
        &self,
        response: &mut Response<Body>,
        cookie: Cookie,
        value: &str,
        seconds: Option<u64>,
    ) {
        if let Some(field) = self.cookies.set(cookie, value, seconds) {
            response.headers_mut().append(SET_COOKIE, field);
        }
    }

    /// What every page has.
    pub fn frame<'b>(&'b self, title: &'b str, notices: &'b [Notice]) -> Frame<'b> {
        Frame {
            title,
            host: host(&self.settings.config.issuer),
            notices,
        }
    }

    /// What every form has.
    pub fn form<'b>(&self, path: &str, ongoing: &'b Ongoing, step: u64) -> Form<'b> {
        Form {
            action: self.at(path),
            interaction: &ongoing.id,
            token: form_token(&ongoing.browser, &ongoing.id),
            step,
        }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.settings.config.issuer)
    }
}

/// Sends the browser to any address.
///
/// # Errors
/// The address is none.
pub fn sent(address: &str) -> Result<Response<Body>, Fault> {
    see_other(address).ok_or_else(|| Fault::lasting("an address has characters that it may not"))
}

/// The step that a form belongs to.
pub fn step(form: &Parameters) -> Option<u64> {
    form.get("step")?.parse().ok()
}
