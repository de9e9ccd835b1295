//! The workloads of the benchmarks as tokio tasks: an actor is a task that takes messages off a bounded channel of its
//! own, and all of them share one thread. Reads lines: "keys", or a workload and how many times; writes nanoseconds
//! for one time. Every workload checks that what was sent was handled.

mod actors;
mod measures;
mod savina;
mod shared;

use std::io::{stdin, stdout, BufRead, Write};
use tokio::runtime::{Builder, Runtime};

const KEYS: &str = "tell pingPong ask askForEver publish spawn start threadRing forkJoinThroughput forkJoinCreate \
                    chameneos big dictionary producerConsumer skynet lookup lookupMany stateRead stateWrite idleBytes";

fn run(runtime: &Runtime, key: &str, times: u64) -> f64 {
    match key {
        "tell" => runtime.block_on(actors::tell(times)),
        "pingPong" => runtime.block_on(savina::ring(2, times)),
        "ask" => runtime.block_on(actors::ask(times)),
        "askForEver" => runtime.block_on(actors::ask_for_ever(times)),
        "publish" => runtime.block_on(actors::publish(times)),
        "spawn" => runtime.block_on(actors::spawn(times)),
        "start" => runtime.block_on(actors::start(times)),
        "threadRing" => runtime.block_on(savina::ring(503, times)),
        "forkJoinThroughput" => runtime.block_on(savina::fork_join_throughput(times)),
        "forkJoinCreate" => runtime.block_on(savina::fork_join_create(times)),
        "chameneos" => runtime.block_on(savina::chameneos(times)),
        "big" => runtime.block_on(savina::big()),
        "dictionary" => runtime.block_on(savina::dictionary(times)),
        "producerConsumer" => runtime.block_on(savina::producer_consumer(times)),
        "skynet" => runtime.block_on(savina::skynet(times)),
        "lookup" => shared::lookup(1_000, times),
        "lookupMany" => shared::lookup(100_000, times),
        "stateRead" => shared::read(times),
        "stateWrite" => shared::write(times),
        "idleBytes" => runtime.block_on(actors::idle_bytes(times)),
        _ => panic!("no workload {key}"),
    }
}

fn main() {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    for line in stdin().lock().lines() {
        let line = line.expect("a line");
        let answer = match line.split_once(' ') {
            None => KEYS.to_string(),
            Some((key, times)) => format!(
                "{:.3}",
                run(&runtime, key, times.parse().expect("a number"))
            ),
        };
        println!("{answer}");
        stdout().flush().expect("an open output");
    }
}
