//! Counters: told, asked, published to, made, idle.

use crate::measures::{bursts, send, timed, CAPACITY};
use std::fs::read_to_string;
use std::future::Future;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::timeout;

const SUBSCRIBERS: usize = 100;
/// Publications between two waits, as for the other contenders.
const PUBLISHED_AT_ONCE: u64 = 50;
const DEADLINE: Duration = Duration::from_secs(5);

pub enum Message {
    Add(u64),
    Get(oneshot::Sender<u64>),
}

pub type Counter = mpsc::Sender<Message>;

pub fn counter() -> Counter {
    let (sender, mut messages) = mpsc::channel(CAPACITY);
    tokio::spawn(async move {
        let mut n = 0;
        while let Some(message) = messages.recv().await {
            match message {
                Message::Add(by) => n += by,
                Message::Get(reply) => drop(reply.send(n)),
            }
        }
    });
    sender
}

pub async fn get(from: &Counter) -> u64 {
    let (reply, answer) = oneshot::channel();
    send(from, Message::Get(reply)).await;
    answer.await.expect("an answer")
}

/// As `get`, and gives up after five seconds.
async fn get_in_time(from: &Counter) -> u64 {
    let (reply, answer) = oneshot::channel();
    send(from, Message::Get(reply)).await;
    timeout(DEADLINE, answer)
        .await
        .expect("an answer in time")
        .expect("an answer")
}

/// What is measured runs in a task of its own, as actors do: the future of `block_on` is woken differently.
async fn in_task(work: impl Future<Output = f64> + Send + 'static) -> f64 {
    tokio::spawn(work).await.expect("a figure")
}

pub async fn tell(times: u64) -> f64 {
    in_task(async move {
        let to = counter();
        let ns = timed(times, async {
            for burst in bursts(times) {
                for _ in 0..burst {
                    send(&to, Message::Add(1)).await;
                }
                get(&to).await;
            }
        })
        .await;
        assert_eq!(get(&to).await, times);
        ns
    })
    .await
}

pub async fn ask(times: u64) -> f64 {
    in_task(async move {
        let from = counter();
        timed(times, async {
            for _ in 0..times {
                assert_eq!(get_in_time(&from).await, 0);
            }
        })
        .await
    })
    .await
}

pub async fn ask_for_ever(times: u64) -> f64 {
    in_task(async move {
        let from = counter();
        timed(times, async {
            for _ in 0..times {
                assert_eq!(get(&from).await, 0);
            }
        })
        .await
    })
    .await
}

/// Takes what is published until there is a publisher no more, and tells how much that was. It marks when it has taken as
/// many as are published at once.
fn subscriber(
    mut messages: broadcast::Receiver<u64>,
    marks: mpsc::Sender<()>,
) -> tokio::task::JoinHandle<u64> {
    tokio::spawn(async move {
        let mut n = 0;
        while let Ok(by) = messages.recv().await {
            n += by;
            if n % PUBLISHED_AT_ONCE == 0 {
                send(&marks, ()).await;
            }
        }
        n
    })
}

/// By a broadcast channel, which is tokio's own means for it.
pub async fn publish(times: u64) -> f64 {
    let rounds = times.div_ceil(PUBLISHED_AT_ONCE);
    let sent = rounds * PUBLISHED_AT_ONCE;
    in_task(async move {
        let (publisher, _) = broadcast::channel(CAPACITY);
        let (mark, mut marks) = mpsc::channel(CAPACITY);
        let subscribers: Vec<_> = (0..SUBSCRIBERS)
            .map(|_| subscriber(publisher.subscribe(), mark.clone()))
            .collect();
        let ns = timed(sent, async {
            for _ in 0..rounds {
                for _ in 0..PUBLISHED_AT_ONCE {
                    assert_eq!(publisher.send(1).expect("subscribers"), SUBSCRIBERS);
                }
                for _ in 0..SUBSCRIBERS {
                    marks.recv().await.expect("a mark");
                }
            }
        })
        .await;
        drop(publisher);
        for subscriber in subscribers {
            assert_eq!(subscriber.await.expect("a count"), sent);
        }
        ns
    })
    .await
}

pub async fn spawn(times: u64) -> f64 {
    let mut made = Vec::with_capacity(times as usize);
    let ns = timed(times, async { made.extend((0..times).map(|_| counter())) }).await;
    assert_eq!(made.len() as u64, times);
    ns
}

/// Tasks run in the order in which they were made: when the last one answers, all have run.
pub async fn start(times: u64) -> f64 {
    in_task(async move {
        let mut made = Vec::with_capacity(times as usize);
        timed(times, async {
            made.extend((0..times).map(|_| counter()));
            assert_eq!(get(&made[made.len() - 1]).await, 0);
        })
        .await
    })
    .await
}

fn resident_bytes() -> u64 {
    let pages = read_to_string("/proc/self/statm").expect("Linux");
    pages
        .split(' ')
        .nth(1)
        .expect("resident pages")
        .parse::<u64>()
        .expect("a number")
        * 4_096
}

/// Resident bytes that each of `count` started, idle actors takes.
pub async fn idle_bytes(count: u64) -> f64 {
    let mut made = Vec::with_capacity(count as usize);
    let before = resident_bytes();
    made.extend((0..count).map(|_| counter()));
    get(&made[made.len() - 1]).await;
    let bytes = (resident_bytes() - before) as f64 / count as f64;
    assert_eq!(made.len() as u64, count);
    bytes
}
