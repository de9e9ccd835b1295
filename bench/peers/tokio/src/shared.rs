//! What tasks share: names in a map, and state, each behind a lock for many readers.

use crate::measures::CAPACITY;
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, OnceLock, RwLock};
use std::time::Instant;

/// A power of two.
const SLOTS: usize = 1_024;

/// A fixed permutation, as for the other contenders.
fn scattered(i: usize, count: usize) -> usize {
    i * 48_271 % count
}

type Registry = RwLock<HashMap<String, Arc<usize>>>;

fn registry(count: usize) -> &'static (Registry, Vec<String>) {
    static FEW: OnceLock<(Registry, Vec<String>)> = OnceLock::new();
    static MANY: OnceLock<(Registry, Vec<String>)> = OnceLock::new();
    let cell = if count > CAPACITY { &MANY } else { &FEW };
    cell.get_or_init(|| {
        let entries = (0..count)
            .map(|i| (format!("bench/{i}"), Arc::new(i)))
            .collect();
        let asked = (0..count)
            .map(|i| format!("bench/{}", scattered(i, count)))
            .collect();
        (RwLock::new(entries), asked)
    })
}

/// Looks names up among `count`, each as often as any other.
pub fn lookup(count: usize, times: u64) -> f64 {
    let (registry, asked) = registry(count);
    let mut found = 0;
    let start = Instant::now();
    for name in asked.iter().cycle().take(times as usize) {
        let entry = registry.read().expect("no panic").get(name).cloned();
        found += u64::from(black_box(entry).is_some());
    }
    let ns = start.elapsed().as_nanos() as f64 / times as f64;
    assert_eq!(found, times);
    ns
}

pub fn read(times: u64) -> f64 {
    let state = RwLock::new(vec![1u64; SLOTS]);
    let mut sum = 0;
    let start = Instant::now();
    for i in 0..times as usize {
        sum += black_box(&state).read().expect("no panic")[i & (SLOTS - 1)];
    }
    let ns = start.elapsed().as_nanos() as f64 / times as f64;
    assert_eq!(sum, times);
    ns
}

pub fn write(times: u64) -> f64 {
    let state = RwLock::new(vec![0u64; SLOTS]);
    let start = Instant::now();
    for i in 0..times as usize {
        black_box(&state).write().expect("no panic")[i & (SLOTS - 1)] += 1;
    }
    let ns = start.elapsed().as_nanos() as f64 / times as f64;
    assert_eq!(state.read().expect("no panic").iter().sum::<u64>(), times);
    ns
}
