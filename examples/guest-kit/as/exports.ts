/** The exports of a component with a lifecycle: `export * from` here in the entry file. See `troupe.ts`. */
import { allocate, onHandle, onHealth, onRestore, onSnapshot, onStart, onStop, release } from './troupe';

export function cabi_realloc(old: usize, oldSize: usize, align: usize, newSize: usize): usize {
  return allocate(old, oldSize, align, newSize);
}

export function handler_handle(
  delivery: u32,
  subject: usize,
  subjectLength: usize,
  payload: usize,
  payloadLength: usize,
  hasSender: u32,
  sender: usize,
  senderLength: usize,
  hasRemaining: u32,
  remainingMs: u32,
): usize {
  return onHandle(
    delivery,
    subject,
    subjectLength,
    payload,
    payloadLength,
    hasSender,
    sender,
    senderLength,
    hasRemaining,
    remainingMs,
  );
}

export function cabi_post_handler_handle(_result: usize): void {
  release();
}

export function lifecycle_start(config: usize, length: usize): usize {
  return onStart(config, length);
}

export function cabi_post_lifecycle_start(_result: usize): void {
  release();
}

export function lifecycle_stop(): void {
  onStop();
}

export function lifecycle_health(): usize {
  return onHealth();
}

export function cabi_post_lifecycle_health(_result: usize): void {
  release();
}

export function lifecycle_snapshot(): usize {
  return onSnapshot();
}

export function cabi_post_lifecycle_snapshot(_result: usize): void {
  release();
}

export function lifecycle_restore(state: usize, length: usize): usize {
  return onRestore(state, length);
}

export function cabi_post_lifecycle_restore(_result: usize): void {
  release();
}
