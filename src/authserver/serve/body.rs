//! A request's body that has to arrive in time.

use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// Why the body is not whole: it took too long, or the connection broke.
type Error = Box<dyn std::error::Error + Send + Sync>;

/// The body. The time is that of the whole: a byte now and then does not prolong it.
pub struct TimelyBody<B> {
    body: B,
    end: Option<Pin<Box<Sleep>>>,
    time: Duration,
}

impl<B> TimelyBody<B> {
    /// A body for which there is so much time from its first look on.
    #[must_use]
    pub fn new(body: B, time: Duration) -> Self {
        Self {
            body,
            end: None,
            time,
        }
    }
}

impl<B> Body for TimelyBody<B>
where
    B: Body<Data = Bytes, Error: Into<Error>> + Unpin,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use std::convert::Infallible;

    /// A byte every millisecond, so many times; then the end, or nothing any more.
    struct Drip {
        bytes: usize,
        ends: bool,
        next: Pin<Box<Sleep>>,
    }

    fn drip(bytes: usize, ends: bool) -> Drip {
        let next = Box::pin(sleep(Duration::from_millis(1)));
        Drip { bytes, ends, next }
    }

    impl Body for Drip {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.bytes == 0 {
                return if self.ends {
                    Poll::Ready(None)
                } else {
                    Poll::Pending
                };
            }
            std::task::ready!(self.next.as_mut().poll(context));
            let Drip { bytes, ends, .. } = *self;
            *self = drip(bytes - 1, ends);
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"a")))))
        }
    }

    async fn collected(body: Drip, time: Duration) -> Result<usize, String> {
        let body = TimelyBody::new(body, time).collect().await;
        let bytes = body.map(|body| body.to_bytes().len());
        bytes.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_byte_now_and_then_does_not_prolong_the_time_of_the_whole() {
        let late = Err("the body took too long".to_owned());
        let time = Duration::from_millis(20);
        assert_eq!(collected(drip(10_000, true), time).await, late);
        assert_eq!(collected(drip(1, false), time).await, late);
        assert_eq!(collected(drip(0, false), time).await, late);
        let ample = Duration::from_secs(600);
        assert_eq!(collected(drip(5, true), ample).await, Ok(5));
        assert_eq!(collected(drip(0, true), Duration::ZERO).await, Ok(0));
    }
}
