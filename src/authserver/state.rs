//! What all requests share.

use crate::authorization::interaction::Interactions;
use crate::clock::Moment;
use crate::endpoint::status_list::SignedLists;
use crate::error::Fault;
use crate::limits::rates::Rates;
use crate::log::audit::Event;
use crate::metrics::Metrics;
use crate::pending::Pending;
use crate::resource_owner::client::Owners;
use crate::resource_owner::logins::Logins;
use crate::resource_owner::standing::Standing;
use crate::settings::Settings;
use crate::store::Store;
use crate::token::status::{Indices, Revoked};
use clients::Client;
use std::borrow::Cow;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use system::clock;

/// The server, behind all its sockets.
pub struct Server {
    settings: RwLock<Arc<Settings>>,
    /// What survives.
    pub store: Store,
    /// The status indices that may be given out.
    pub indices: Indices,
    /// What was taken back.
    pub revoked: Revoked,
    /// The lists of that, signed.
    pub status_lists: SignedLists,
    /// What was left here and nobody has confirmed.
    pub pending: Pending,
    /// Up to where the store was asked what was taken back.
    sequence: tokio::sync::Mutex<u64>,
    /// How often who asks.
    pub rates: Rates,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    began: Moment,
    /// People who log in.
    pub logins: Logins,
    /// What goes on in browsers.
    pub interactions: Interactions,
    /// How the accounts of people stand who logged in earlier.
    pub standing: Standing,
    /// One block of indices is drawn at a time.
    drawing: tokio::sync::Mutex<()>,
}

impl Server {
    /// A server with these settings, whose people log in by way of `monitor`, and what the store
    /// says was taken back by `now`.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn new(
        settings: Settings,
        store: Store,
        monitor: Arc<UnixStream>,
        now: u64,
    ) -> Result<Self, Fault> {
        let accounts = &settings.config.accounts;
        let most = accounts.max_conversations;
        let seconds = accounts.conversation_timeout;
        let owners = Owners::new(monitor, most, Duration::from_secs(seconds));
        let interactions = Interactions::new(settings.config.limits.pending);
        let metrics = Arc::new(Metrics::default());
        let server = Self {
            settings: RwLock::new(Arc::new(settings)),
            store,
            indices: Indices::default(),
            revoked: Revoked::default(),
            status_lists: SignedLists::default(),
            pending: Pending::default(),
            logins: Logins::new(owners.clone(), most, seconds, Arc::clone(&metrics)),
            standing: Standing::new(owners),
            interactions,
            sequence: tokio::sync::Mutex::default(),
            rates: Rates::default(),
            metrics,
            began: Moment::now(),
            drawing: tokio::sync::Mutex::default(),
        };
        server.refresh_revoked(now).await?;
        Ok(server)
    }

    /// The settings as they are now: a request keeps those it began with.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        let settings = self.settings.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&settings)
    }

    /// Puts other settings in their place.
    pub fn set_settings(&self, settings: Settings) {
        let mut place = self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *place = Arc::new(settings);
    }

    /// The client of this id: the administrator's, or one that registered itself.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn client<'s>(
        &self,
        settings: &'s Settings,
        id: &str,
    ) -> Result<Option<Cow<'s, Client>>, Fault> {
        match settings.clients.get(id) {
            Some(client) => Ok(Some(Cow::Borrowed(client))),
            None => Ok(self.store.registered(id).await?.map(Cow::Owned)),
        }
    }

    /// The time, in seconds since the epoch.
    ///
    /// # Errors
    /// The clock is earlier than the program.
    pub fn now(&self) -> Result<u64, Fault> {
        let unset = |_| Fault::passing("the clock is earlier than this program");
        clock::now().map_err(unset)
    }

    /// Milliseconds since the server began, for rates.
    #[must_use]
    pub fn milliseconds(&self) -> u64 {
        u64::try_from(self.began.age().as_millis()).unwrap_or(u64::MAX)
    }

    /// Tells the audit log what has happened, and counts it.
    pub fn audit(&self, event: &Event<'_>) {
        self.metrics.tell(event);
    }

    /// The place in the status lists for a new token.
    ///
    /// # Errors
    /// The store has none to give.
    pub async fn next_index(&self) -> Result<u64, Fault> {
        let now = self.now()?;
        loop {
            if let Some(taken) = self.indices.take(now) {
                if taken.is_middle {
                    self.draw_ahead(now).await;
                }
                return Ok(taken.index);
            }
            let _one_at_a_time = self.drawing.lock().await;
            if self.indices.are_over(now) {
                self.indices
                    .refill(self.store.draw_indices(now).await?, now);
            }
        }
    }

    /// Draws a block before it is needed, so that one request waits for the store, and the others
    /// go on. Where that fails, whoever finds none left is told.
    async fn draw_ahead(&self, now: u64) {
        let _one_at_a_time = self.drawing.lock().await;
        match self.store.draw_indices(now).await {
            Ok(first) => self.indices.refill(first, now),
            Err(fault) => crate::log::fault(&fault),
        }
    }

    /// Whether tokens were given places in this status list, or it is the next one.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn has_list(&self, list: u64) -> Result<bool, Fault> {
        if list <= self.indices.lists() {
            return Ok(true);
        }
        // Another replica may have begun it, or this one before it was started again.
        let last = self.store.lists(0).await?.last().copied();
        self.indices.seen(last);
        Ok(list <= self.indices.lists())
    }

    /// Takes access tokens back, each an index and when it expires; on the disk when this
    /// returns.
    ///
    /// # Errors
    /// The store's; then none was.
    pub async fn revoke(&self, indices: &[(u64, u64)]) -> Result<(), Fault> {
        self.store.revoke(indices).await?;
        self.revoked.add(indices.iter().copied());
        Ok(())
    }

    /// Learns what was taken back since the last time, by other replicas, or here by a request
    /// that was broken off when the store had it.
    ///
    /// # Errors
    /// The store's.
    pub async fn refresh_revoked(&self, now: u64) -> Result<(), Fault> {
        let mut sequence = self.sequence.lock().await;
        let news = self.store.revoked(*sequence, now).await?;
        self.revoked.add(news.indices);
        *sequence = news.sequence;
        Ok(())
    }
}
