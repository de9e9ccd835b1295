//! How all of them measure.

use std::future::Future;
use std::time::Instant;
use tokio::sync::mpsc::Sender;

/// Messages of a burst: fewer than a channel holds.
pub const BURST: u64 = 1_000;
/// As deep as the project's mailboxes.
pub const CAPACITY: usize = 1_024;

/// Nanoseconds for each of `times` things that `work` does.
pub async fn timed(times: u64, work: impl Future<Output = ()>) -> f64 {
    let start = Instant::now();
    work.await;
    start.elapsed().as_nanos() as f64 / times as f64
}

/// `times` in bursts.
pub fn bursts(times: u64) -> impl Iterator<Item = u64> {
    (0..times.div_ceil(BURST)).map(move |burst| BURST.min(times - burst * BURST))
}

/// Waits while the channel is full. Nothing may be lost: whoever is sent to must be there.
pub async fn send<T>(to: &Sender<T>, message: T) {
    assert!(to.send(message).await.is_ok(), "the actor has ended");
}
