/** An HTTP component for tests of pools and servers, made on the spot: what it does is the first letter of the path. */
import { type CompiledComponent, compileComponent } from '../../src/component/index.ts';
import { makeGuest } from './guests.ts';

const WIT = `
package test:http@0.1.0;

world guest {
  import wasi:io/poll@0.2.3;
  import wasi:clocks/monotonic-clock@0.2.3;
  import wasi:io/streams@0.2.3;
  import wasi:http/types@0.2.3;
  export wasi:http/incoming-handler@0.2.3;
}

package wasi:io@0.2.3 {
  interface poll { resource pollable { block: func(); } }
  interface error { resource error; }
  interface streams {
    use error.{error};
    variant stream-error { last-operation-failed(error), closed }
    resource input-stream { blocking-read: func(len: u64) -> result<list<u8>, stream-error>; }
    resource output-stream {
      write: func(contents: list<u8>) -> result<_, stream-error>;
      blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
    }
  }
}

package wasi:clocks@0.2.3 {
  interface monotonic-clock {
    use wasi:io/poll@0.2.3.{pollable};
    subscribe-duration: func(when: u64) -> pollable;
  }
}

package wasi:http@0.2.3 {
  interface types {
    use wasi:io/streams@0.2.3.{input-stream, output-stream};
    variant error-code { internal-error(option<string>) }
    resource fields { constructor(); }
    type headers = fields;
    type trailers = fields;
    resource incoming-request {
      path-with-query: func() -> option<string>;
      consume: func() -> result<incoming-body>;
    }
    resource incoming-body { %stream: func() -> result<input-stream>; }
    resource outgoing-body {
      write: func() -> result<output-stream>;
      finish: static func(this: outgoing-body, trailers: option<trailers>) -> result<_, error-code>;
    }
    resource outgoing-response {
      constructor(headers: headers);
      body: func() -> result<outgoing-body>;
    }
    resource response-outparam {
      set: static func(param: response-outparam, response: result<outgoing-response, error-code>);
    }
  }
  interface incoming-handler {
    use types.{incoming-request, response-outparam};
    handle: func(request: incoming-request, response-out: response-outparam);
  }
}`;

const IMPORTS = `
  (import "wasi:io/poll@0.2.3" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.3" "[resource-drop]pollable" (func $drop_pollable (param i32)))
  (import "wasi:clocks/monotonic-clock@0.2.3" "subscribe-duration" (func $after (param i64) (result i32)))
  (import "wasi:io/streams@0.2.3" "[method]input-stream.blocking-read" (func $read (param i32 i64 i32)))
  (import "wasi:io/streams@0.2.3" "[resource-drop]input-stream" (func $drop_input (param i32)))
  (import "wasi:io/streams@0.2.3" "[method]output-stream.blocking-write-and-flush" (func $flush (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.3" "[method]output-stream.write" (func $post (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.3" "[resource-drop]output-stream" (func $drop_output (param i32)))
  (import "wasi:http/types@0.2.3" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.3" "[method]incoming-request.path-with-query" (func $path (param i32 i32)))
  (import "wasi:http/types@0.2.3" "[method]incoming-request.consume" (func $consume (param i32 i32)))
  (import "wasi:http/types@0.2.3" "[resource-drop]incoming-request" (func $drop_request (param i32)))
  (import "wasi:http/types@0.2.3" "[method]incoming-body.stream" (func $input (param i32 i32)))
  (import "wasi:http/types@0.2.3" "[resource-drop]incoming-body" (func $drop_body (param i32)))
  (import "wasi:http/types@0.2.3" "[constructor]outgoing-response" (func $response (param i32) (result i32)))
  (import "wasi:http/types@0.2.3" "[method]outgoing-response.body" (func $body (param i32 i32)))
  (import "wasi:http/types@0.2.3" "[method]outgoing-body.write" (func $output (param i32 i32)))
  (import "wasi:http/types@0.2.3" "[static]outgoing-body.finish" (func $finish (param i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.3" "[static]response-outparam.set" (func $set (param i32 i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.3" "[resource-drop]response-outparam" (func $drop_outparam (param i32)))`;

/** Results are written at 64; at 128 stands the text that is answered. */
const FUNCTIONS = `
  (data (i32.const 128) "hello 0\\n")
  (global $count (mut i32) (i32.const 0))
  (global $out (mut i32) (i32.const 0))
  (global $stream (mut i32) (i32.const 0))

  (func $sleep (param $ns i64) (local $pollable i32)
    (local.set $pollable (call $after (local.get $ns)))
    (call $block (local.get $pollable))
    (call $drop_pollable (local.get $pollable)))

  ;; Sends the head; $out and $stream are the answer's body from then on.
  (func $begin (param $outparam i32) (local $res i32)
    (local.set $res (call $response (call $fields)))
    (call $body (local.get $res) (i32.const 64))
    (global.set $out (i32.load (i32.const 68)))
    (call $output (global.get $out) (i32.const 64))
    (global.set $stream (i32.load (i32.const 68)))
    (call $set (local.get $outparam) (i32.const 0) (local.get $res) (i32.const 0) (i32.const 0) (i32.const 0)))

  (func $write (param $at i32) (param $size i32) (result i32)
    (call $flush (global.get $stream) (local.get $at) (local.get $size) (i32.const 64))
    (i32.load8_u (i32.const 64)))

  (func $end
    (call $drop_output (global.get $stream))
    (call $finish (global.get $out) (i32.const 0) (i32.const 0) (i32.const 64)))

  (func $hello (param $outparam i32)
    (call $begin (local.get $outparam))
    (i32.store8 (i32.const 134) (i32.add (i32.const 48) (i32.rem_u (global.get $count) (i32.const 10))))
    (drop (call $write (i32.const 128) (i32.const 8)))
    (call $end))

  ;; Sends back what it gets, 64 KiB at most at a time.
  (func $echo (param $request i32) (param $outparam i32) (local $body i32) (local $in i32)
    (call $consume (local.get $request) (i32.const 64))
    (local.set $body (i32.load (i32.const 68)))
    (call $input (local.get $body) (i32.const 64))
    (local.set $in (i32.load (i32.const 68)))
    (call $begin (local.get $outparam))
    (block $done (loop $more
      (call $reset)
      (call $read (local.get $in) (i64.const 4096) (i32.const 64))
      (br_if $done (i32.load8_u (i32.const 64)))
      (br_if $done (call $write (i32.load (i32.const 68)) (i32.load (i32.const 72))))
      (br $more)))
    (call $drop_input (local.get $in))
    (call $drop_body (local.get $body))
    (call $end))

  ;; Writes zeros until nobody reads any more.
  (func $flood (param $outparam i32)
    (call $begin (local.get $outparam))
    (loop $more (br_if $more (i32.eqz (call $write (i32.const 8192) (i32.const 4096)))))
    (call $end))

  (func (export "wasi:http/incoming-handler@0.2.3#handle") (param $request i32) (param $outparam i32) (local $what i32)
    (call $reset)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (call $path (local.get $request) (i32.const 64))
    (local.set $what (i32.load8_u (i32.add (i32.load (i32.const 68)) (i32.const 1))))
    (if (i32.eq (local.get $what) (i32.const 101)) (then (call $echo (local.get $request) (local.get $outparam)) (return)))
    (if (i32.eq (local.get $what) (i32.const 102)) (then (call $flood (local.get $outparam)) (return)))
    ;; [g]rows by a MiB
    (if (i32.eq (local.get $what) (i32.const 103)) (then (drop (memory.grow (i32.const 16)))))
    ;; [n]ever answers
    (if (i32.eq (local.get $what) (i32.const 110)) (then (call $drop_outparam (local.get $outparam)) (return)))
    ;; answers with an [o]wn error
    (if (i32.eq (local.get $what) (i32.const 111)) (then
      (call $set (local.get $outparam) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (return)))
    ;; [s]leeps 50 ms, [w]aits an hour
    (if (i32.eq (local.get $what) (i32.const 115)) (then (call $sleep (i64.const 50000000))))
    (if (i32.eq (local.get $what) (i32.const 119)) (then (call $sleep (i64.const 3600000000000))))
    ;; [t]raps, or after the [h]ead
    (if (i32.eq (local.get $what) (i32.const 116)) (then unreachable))
    (if (i32.eq (local.get $what) (i32.const 104)) (then
      (call $begin (local.get $outparam))
      (drop (call $write (i32.const 128) (i32.const 8)))
      (call $sleep (i64.const 1000000))
      unreachable))
    ;; answers and does not wait until anybody has [l]ooked at it
    (if (i32.eq (local.get $what) (i32.const 108)) (then
      (call $begin (local.get $outparam))
      (call $post (global.get $stream) (i32.const 128) (i32.const 8) (i32.const 64))
      (call $post (global.get $stream) (i32.const 128) (i32.const 8) (i32.const 64))
      (call $end)
      (return)))
    ;; le[a]ves its answer unfinished
    (if (i32.eq (local.get $what) (i32.const 97)) (then
      (call $begin (local.get $outparam))
      (drop (call $write (i32.const 128) (i32.const 8)))
      (call $sleep (i64.const 1000000))
      (return)))
    (call $hello (local.get $outparam))
    (call $drop_request (local.get $request)))`;

let bytes: Promise<Uint8Array> | undefined;

/** Its binary. */
export function httpGuestBytes(): Promise<Uint8Array> {
  bytes ??= makeGuest(WIT, { imports: IMPORTS, functions: FUNCTIONS });
  return bytes;
}

/** It, compiled. It needs a grant of clocks. */
export async function httpGuest(): Promise<CompiledComponent> {
  return compileComponent(await httpGuestBytes());
}

/** One that sleeps for 10 ms before its first request. */
export async function slowStartingHttpGuest(): Promise<CompiledComponent> {
  const functions = `${FUNCTIONS} (func $start (call $sleep (i64.const 10000000))) (start $start)`;
  return compileComponent(await makeGuest(WIT, { imports: IMPORTS, functions }));
}
