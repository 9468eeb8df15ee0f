//! Something said beside an answer on its way out, without a box around the future.

use axum::response::Response;
use pin_project_lite::pin_project;
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// What is put beside an answer.
pub(crate) trait Tell {
    fn tell(self, response: &mut Response);
}

pin_project! {
    /// An answer that will say something more.
    pub(crate) struct Telling<F, T> {
        #[pin]
        inner: F,
        told: Option<T>,
    }
}

impl<F, T> Telling<F, T> {
    pub(crate) fn new(inner: F, told: Option<T>) -> Self {
        Self { inner, told }
    }
}

impl<F, T> Future for Telling<F, T>
where
    F: Future<Output = Result<Response, Infallible>>,
    T: Tell,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut answered = ready!(this.inner.poll(cx));
        if let (Ok(response), Some(told)) = (&mut answered, this.told.take()) {
            told.tell(response);
        }
        Poll::Ready(answered)
    }
}
