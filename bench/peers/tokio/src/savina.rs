//! The micro benchmarks of the Savina suite, and skynet.

use crate::actors::{get, Message};
use crate::measures::{send, timed, CAPACITY};
use std::collections::HashMap;
use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::mpsc;

const FORK_JOIN_ACTORS: u64 = 60;
/// Fewer than a channel holds.
const FORK_JOIN_BURST: u64 = 500;
const CREATURES: usize = 100;
const BIG: usize = 1_000;
const DICTIONARY_WORKERS: u64 = 20;
/// Every tenth request writes.
const WRITE_EVERY: u64 = 10;
const KEYS: u64 = 512;
const PRODUCERS: usize = 40;
const CONSUMERS: usize = 40;
const BUFFER: usize = 50;
const SKYNET_CHILDREN: u64 = 10;

/// One time: a token is handed on.
pub async fn ring(size: usize, times: u64) -> f64 {
    let (done, mut end) = mpsc::channel(1);
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..size).map(|_| mpsc::channel::<u64>(CAPACITY)).unzip();
    for (i, mut messages) in receivers.into_iter().enumerate() {
        let next = senders[(i + 1) % size].clone();
        let done = done.clone();
        tokio::spawn(async move {
            while let Some(left) = messages.recv().await {
                if left == 0 {
                    send(&done, ()).await;
                    return;
                }
                if next.send(left - 1).await.is_err() {
                    return;
                }
            }
        });
    }
    let first = senders[0].clone();
    drop(senders);
    timed(times, async {
        send(&first, times - 1).await;
        end.recv().await.expect("an end");
    })
    .await
}

/// One time: a message with a small calculation, to one of 60 actors.
pub async fn fork_join_throughput(times: u64) -> f64 {
    let rounds = times.div_ceil(FORK_JOIN_ACTORS * FORK_JOIN_BURST);
    let work = async move {
        let workers: Vec<_> = (0..FORK_JOIN_ACTORS).map(|_| worker()).collect();
        timed(rounds * FORK_JOIN_BURST * FORK_JOIN_ACTORS, async {
            for round in 1..=rounds {
                for _ in 0..FORK_JOIN_BURST {
                    for worker in &workers {
                        send(worker, Message::Add(1)).await;
                    }
                }
                for worker in &workers {
                    assert_eq!(get(worker).await, round * FORK_JOIN_BURST);
                }
            }
        })
        .await
    };
    tokio::spawn(work).await.expect("a figure")
}

fn worker() -> mpsc::Sender<Message> {
    let (sender, mut messages) = mpsc::channel(CAPACITY);
    tokio::spawn(async move {
        let mut handled = 0;
        while let Some(message) = messages.recv().await {
            match message {
                Message::Add(by) => {
                    handled += by;
                    black_box(black_box(handled as f64).sin());
                }
                Message::Get(reply) => drop(reply.send(handled)),
            }
        }
    });
    sender
}

/// One time: an actor is made, handles one message and ends.
pub async fn fork_join_create(times: u64) -> f64 {
    let (done, mut ended) = mpsc::channel(CAPACITY);
    let work = async move {
        timed(times, async {
            for _ in 0..times {
                let (sender, mut messages) = mpsc::channel::<f64>(CAPACITY);
                let done = done.clone();
                tokio::spawn(async move {
                    let message = messages.recv().await.expect("work");
                    black_box(black_box(message).sin());
                    send(&done, ()).await;
                });
                send(&sender, 37.2).await;
            }
            for _ in 0..times {
                ended.recv().await.expect("an end");
            }
        })
        .await
    };
    tokio::spawn(work).await.expect("a figure")
}

struct Visit {
    who: mpsc::Sender<Met>,
    colour: u8,
}

enum Met {
    Other(u8),
    Closed,
}

fn complement(left: u8, right: u8) -> u8 {
    if left == right {
        left
    } else {
        3 - left - right
    }
}

/// One time: two creatures meet, which is four messages.
pub async fn chameneos(times: u64) -> f64 {
    let (mall, mut visits) = mpsc::channel::<Visit>(CAPACITY);
    tokio::spawn(async move {
        let mut left = times;
        let mut waiting: Option<Visit> = None;
        while let Some(visit) = visits.recv().await {
            if left == 0 {
                send(&visit.who, Met::Closed).await;
                continue;
            }
            match waiting.take() {
                None => waiting = Some(visit),
                Some(other) => {
                    left -= 1;
                    send(&other.who, Met::Other(visit.colour)).await;
                    send(&visit.who, Met::Other(other.colour)).await;
                }
            }
        }
    });
    let (start, _) = tokio::sync::broadcast::channel::<()>(1);
    let (tally, mut meetings) = mpsc::channel(CAPACITY);
    for i in 0..CREATURES {
        let (mall, tally, mut started) = (mall.clone(), tally.clone(), start.subscribe());
        tokio::spawn(async move {
            let (who, mut messages) = mpsc::channel(CAPACITY);
            let (mut colour, mut met) = ((i % 3) as u8, 0u64);
            started.recv().await.expect("a start");
            loop {
                send(
                    &mall,
                    Visit {
                        who: who.clone(),
                        colour,
                    },
                )
                .await;
                match messages.recv().await.expect("an answer") {
                    Met::Other(other) => {
                        met += 1;
                        colour = complement(colour, other);
                    }
                    Met::Closed => return send(&tally, met).await,
                }
            }
        });
    }
    drop(tally);
    timed(times, async {
        start.send(()).expect("creatures");
        let mut sum = 0;
        while sum < times * 2 {
            sum += meetings.recv().await.expect("a sum");
        }
        assert_eq!(sum, times * 2);
    })
    .await
}

/// One time: a message, in a round in which each of 1,000 actors sends one to each other.
pub async fn big() -> f64 {
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..BIG).map(|_| mpsc::channel::<u64>(CAPACITY)).unzip();
    let senders = Arc::new(senders);
    let (start, _) = tokio::sync::broadcast::channel::<()>(1);
    let (tally, mut handled) = mpsc::channel(CAPACITY);
    for (i, mut messages) in receivers.into_iter().enumerate() {
        let (senders, tally, mut started) = (senders.clone(), tally.clone(), start.subscribe());
        tokio::spawn(async move {
            started.recv().await.expect("a start");
            for (j, other) in senders.iter().enumerate() {
                if j != i {
                    send(other, 1).await;
                }
            }
            let mut pings = 0;
            while pings < BIG as u64 - 1 {
                pings += messages.recv().await.expect("a ping");
            }
            send(&tally, pings).await;
            messages
        });
    }
    let total = (BIG * (BIG - 1)) as u64;
    timed(total, async {
        start.send(()).expect("peers");
        let mut sum = 0;
        while sum < total {
            sum += handled.recv().await.expect("a sum");
        }
    })
    .await
}

struct Request {
    from: mpsc::Sender<u64>,
    key: u64,
    value: Option<u64>,
}

/// One time: a request to a dictionary that 20 actors share, and its answer; every tenth writes.
pub async fn dictionary(times: u64) -> f64 {
    let requests = times.div_ceil(DICTIONARY_WORKERS);
    let total = requests * DICTIONARY_WORKERS;
    let (dictionary, mut asked) = mpsc::channel::<Request>(CAPACITY);
    tokio::spawn(async move {
        let mut values = HashMap::new();
        while let Some(Request { from, key, value }) = asked.recv().await {
            if let Some(value) = value {
                values.insert(key, value);
            }
            let answer = value.or_else(|| values.get(&key).copied()).unwrap_or(0);
            send(&from, answer).await;
        }
    });
    let (start, _) = tokio::sync::broadcast::channel::<()>(1);
    let (tally, mut handled) = mpsc::channel(CAPACITY);
    for _ in 0..DICTIONARY_WORKERS {
        let (dictionary, tally, mut started) =
            (dictionary.clone(), tally.clone(), start.subscribe());
        tokio::spawn(async move {
            let (from, mut values) = mpsc::channel(CAPACITY);
            started.recv().await.expect("a start");
            for left in (0..requests).rev() {
                let value = (left % WRITE_EVERY == 0).then_some(left);
                let request = Request {
                    from: from.clone(),
                    key: left * 7_919 % KEYS,
                    value,
                };
                send(&dictionary, request).await;
                values.recv().await.expect("an answer");
            }
            send(&tally, requests).await;
        });
    }
    timed(total, async {
        start.send(()).expect("clients");
        let mut sum = 0;
        while sum < total {
            sum += handled.recv().await.expect("a sum");
        }
        assert_eq!(sum, total);
    })
    .await
}

enum Traffic {
    Begin,
    Data { producer: usize, item: u64 },
    Free { consumer: usize },
}

/// A bounded buffer that asks producers for as many items as there is room for, and hands them to free consumers.
async fn buffer(
    mut left: u64,
    mut traffic: mpsc::Receiver<Traffic>,
    producers: Vec<mpsc::Sender<u64>>,
    consumers: Vec<mpsc::Sender<u64>>,
) {
    let (mut idle, mut free) = (Vec::new(), Vec::new());
    let (mut items, mut ordered) = (Vec::new(), 0);
    while let Some(message) = traffic.recv().await {
        match message {
            Traffic::Begin => idle.extend(0..PRODUCERS),
            Traffic::Data { producer, item } => {
                ordered -= 1;
                idle.push(producer);
                match free.pop() {
                    None => items.push(item),
                    Some(consumer) => send(&consumers[consumer], item).await,
                }
            }
            Traffic::Free { consumer } => match items.pop() {
                None => free.push(consumer),
                Some(item) => send(&consumers[consumer], item).await,
            },
        }
        while left > 0 && !idle.is_empty() && items.len() + ordered < BUFFER {
            ordered += 1;
            let producer: usize = idle.pop().expect("an idle producer");
            send(&producers[producer], left).await;
            left -= 1;
        }
    }
}

/// One time: an item from one of 40 producers, through a buffer of 50, to one of 40 consumers; four messages.
pub async fn producer_consumer(times: u64) -> f64 {
    let (to_buffer, traffic) = mpsc::channel(CAPACITY);
    let (consumed, mut tally) = mpsc::channel(CAPACITY);
    let (producers, orders): (Vec<_>, Vec<_>) = (0..PRODUCERS)
        .map(|_| mpsc::channel::<u64>(CAPACITY))
        .unzip();
    let (consumers, items): (Vec<_>, Vec<_>) = (0..CONSUMERS)
        .map(|_| mpsc::channel::<u64>(CAPACITY))
        .unzip();
    for (producer, mut orders) in orders.into_iter().enumerate() {
        let to_buffer = to_buffer.clone();
        tokio::spawn(async move {
            while let Some(item) = orders.recv().await {
                send(&to_buffer, Traffic::Data { producer, item }).await;
            }
        });
    }
    for (consumer, mut items) in items.into_iter().enumerate() {
        let (to_buffer, consumed) = (to_buffer.clone(), consumed.clone());
        tokio::spawn(async move {
            send(&to_buffer, Traffic::Free { consumer }).await;
            while items.recv().await.is_some() {
                // At the end nobody is there any more: neither who counts nor the buffer.
                let told = consumed.send(()).await.is_ok();
                if !told || to_buffer.send(Traffic::Free { consumer }).await.is_err() {
                    return;
                }
            }
        });
    }
    let buffering = tokio::spawn(buffer(times, traffic, producers, consumers));
    let ns = timed(times, async {
        send(&to_buffer, Traffic::Begin).await;
        for _ in 0..times {
            tally.recv().await.expect("an item");
        }
    })
    .await;
    buffering.abort();
    ns
}

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

fn skynet_node(first: u64, size: u64, parent: mpsc::Sender<u64>) -> Boxed {
    Box::pin(async move {
        if size == 1 {
            return send(&parent, first).await;
        }
        let (sender, mut sums) = mpsc::channel(SKYNET_CHILDREN as usize);
        let part = size / SKYNET_CHILDREN;
        for i in 0..SKYNET_CHILDREN {
            tokio::spawn(skynet_node(first + i * part, part, sender.clone()));
        }
        drop(sender);
        let mut sum = 0;
        for _ in 0..SKYNET_CHILDREN {
            sum += sums.recv().await.expect("a sum");
        }
        send(&parent, sum).await;
    })
}

/// One time: an actor of a tree in which each has ten children, which give their sums to it and end.
pub async fn skynet(times: u64) -> f64 {
    let leaves = 10u64.pow(times.ilog10());
    let actors = (leaves * 10 - 1) / 9;
    let (root, mut sums) = mpsc::channel(1);
    timed(actors, async {
        tokio::spawn(skynet_node(0, leaves, root));
        assert_eq!(sums.recv().await, Some(leaves * (leaves - 1) / 2));
    })
    .await
}
