//! A request's body that has to arrive in time.

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// Why the body is not whole: it took too long, or the connection broke.
type Error = Box<dyn std::error::Error + Send + Sync>;

/// The body. The time is that of the whole: a byte now and then does not prolong it.
pub struct TimelyBody {
    body: Incoming,
    end: Option<Pin<Box<Sleep>>>,
    time: Duration,
}

impl TimelyBody {
    /// A body for which there is so much time from its first look on.
    #[must_use]
    pub fn new(body: Incoming, time: Duration) -> Self {
        Self {
            body,
            end: None,
            time,
        }
    }
}

impl Body for TimelyBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        // Most bodies are there at once, and need no timer.
        let time = self.time;
        let end = self.end.get_or_insert_with(|| Box::pin(sleep(time)));
        match end.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err("the body took too long".into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
