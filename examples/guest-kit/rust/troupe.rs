//! Troupe guest kit for Rust: what a component needs to be an actor, in one module, without a code generator.
//!
//! ```ignore
//! #[path = "../../guest-kit/rust/troupe.rs"]
//! mod troupe;
//!
//! fn greet(message: &troupe::Message) -> troupe::Answer {
//!     Ok(Some(message.payload.to_vec()))
//! }
//! troupe::actor!(greet);
//! ```
//!
//! Guarantees
//!   G1  The layouts below are those that the canonical ABI prescribes for `troupe:actor@0.1.0`; the compiler checks
//!       their sizes.
//!   G2  A handler gets borrowed data and gives owned data back; all memory is accounted for on both sides.
//! Limits      One thread, 32-bit memory.
//! Build       rustc --target wasm32-unknown-unknown --crate-type cdylib, or --target wasm32-wasi for a program.
#![allow(dead_code)]

use std::alloc::{alloc, handle_alloc_error, realloc, Layout};

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    Tell,
    Ask,
    Topic,
}

/// The nine kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Invalid,
    Denied,
    NotFound,
    Conflict,
    Overload,
    Timeout,
    Unavailable,
    Cancelled,
    Internal,
}

const KINDS: [Kind; 9] = [
    Kind::Invalid,
    Kind::Denied,
    Kind::NotFound,
    Kind::Conflict,
    Kind::Overload,
    Kind::Timeout,
    Kind::Unavailable,
    Kind::Cancelled,
    Kind::Internal,
];

/// Why something did not happen.
#[derive(Clone, Debug)]
pub struct Failure {
    pub kind: Kind,
    /// Stable upper-case code.
    pub code: String,
    /// One sentence for a human.
    pub message: String,
}

impl Failure {
    pub fn new(kind: Kind, code: &str, message: impl Into<String>) -> Failure {
        Failure { kind, code: code.to_string(), message: message.into() }
    }

    /// For a message whose operation the actor does not know.
    pub fn unknown_operation(message: &Message) -> Failure {
        Failure::new(Kind::Invalid, "UNKNOWN_OPERATION", format!("There is no operation \"{}\"", message.subject))
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} ({})", self.message, self.code)
    }
}

/// One message; it lives as long as it is being handled.
pub struct Message<'a> {
    pub delivery: Delivery,
    pub subject: &'a str,
    pub payload: &'a [u8],
    pub sender: Option<&'a str>,
    pub remaining_ms: Option<u32>,
}

/// What a handler gives back: the bytes answer an `ask`, the failure refuses the message.
pub type Answer = Result<Option<Vec<u8>>, Failure>;

// ---- Messaging -----------------------------------------------------------------------------------------------------

/// Puts a message into the mailbox of `to`; a full mailbox is a failure at once.
pub fn tell(to: &str, op: &str, payload: &[u8]) -> Result<(), Failure> {
    let mut result = abi::Outcome::EMPTY;
    unsafe {
        let (to, op) = (to.as_bytes(), op.as_bytes());
        abi::tell(to.as_ptr(), to.len(), op.as_ptr(), op.len(), payload.as_ptr(), payload.len(), &mut result);
        result.into_unit()
    }
}

/// Sends and waits for the answer; only this actor waits. `timeout_ms` is 1 to 3,600,000.
pub fn ask(to: &str, op: &str, payload: &[u8], timeout_ms: u32) -> Result<Vec<u8>, Failure> {
    let mut result = abi::Outcome::EMPTY;
    unsafe {
        let (to, op) = (to.as_bytes(), op.as_bytes());
        let (data, len) = (payload.as_ptr(), payload.len());
        abi::ask(to.as_ptr(), to.len(), op.as_ptr(), op.len(), data, len, timeout_ms, &mut result);
        result.into_bytes()
    }
}

/// Hands a message to every subscriber of `topic`; says how many mailboxes took it.
pub fn publish(topic: &str, payload: &[u8]) -> Result<u32, Failure> {
    let mut result = abi::Outcome::EMPTY;
    unsafe {
        let topic = topic.as_bytes();
        abi::publish(topic.as_ptr(), topic.len(), payload.as_ptr(), payload.len(), &mut result);
        result.into_count()
    }
}

/// Name of this actor.
pub fn self_name() -> String {
    let mut name = abi::Slice { ptr: std::ptr::null_mut(), len: 0 };
    unsafe {
        abi::self_name(&mut name);
        name.into_string()
    }
}

// ---- Memory --------------------------------------------------------------------------------------------------------

/// How the host puts strings and lists into this memory.
///
/// # Safety
/// `old` was returned by this function for `old_size` bytes and `align`, or is null.
#[export_name = "cabi_realloc"]
pub unsafe extern "C" fn cabi_realloc(old: *mut u8, old_size: usize, align: usize, new_size: usize) -> *mut u8 {
    if new_size == 0 {
        // Never read and never freed: any aligned address will do.
        return align as *mut u8;
    }
    let fresh = if old_size == 0 {
        alloc(Layout::from_size_align_unchecked(new_size, align))
    } else {
        realloc(old, Layout::from_size_align_unchecked(old_size, align), new_size)
    };
    if fresh.is_null() {
        handle_alloc_error(Layout::from_size_align_unchecked(new_size, align));
    }
    fresh
}

/// Begins a WASI program: call it first in `main`. An actor needs none of it.
///
/// The linker of `wasm32-wasi` wraps every export of a program in calls of all constructors and destructors, unless the
/// program calls them itself. Constructors ask the host for arguments and folders; `cabi_realloc` runs while the host
/// waits for memory and must not call out.
#[cfg(target_os = "wasi")]
pub fn begin() {
    extern "C" {
        fn __wasm_call_ctors();
    }
    unsafe { __wasm_call_ctors() }
}

/// The layer below: what crosses the boundary. Used by the functions above and by `actor!`.
pub mod abi {
    use super::{Answer, Delivery, Failure, Message, KINDS};

    /// A `string` or `list<u8>` that belongs to this side.
    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct Slice {
        pub ptr: *mut u8,
        pub len: usize,
    }

    impl Slice {
        /// # Safety
        /// The memory came through `cabi_realloc` with an alignment of 1 and nobody else frees it.
        pub unsafe fn into_bytes(self) -> Vec<u8> {
            if self.len == 0 {
                return Vec::new();
            }
            Vec::from_raw_parts(self.ptr, self.len, self.len)
        }

        /// # Safety
        /// As `into_bytes`; the host writes valid UTF-8 only.
        pub unsafe fn into_string(self) -> String {
            String::from_utf8_unchecked(self.into_bytes())
        }

        fn from_bytes(bytes: Vec<u8>) -> Slice {
            let bytes = std::mem::ManuallyDrop::new(bytes.into_boxed_slice());
            Slice { ptr: bytes.as_ptr() as *mut u8, len: bytes.len() }
        }
    }

    /// `record failure`.
    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct FailureParts {
        kind: u8,
        code: Slice,
        message: Slice,
    }

    impl FailureParts {
        unsafe fn into_failure(self) -> Failure {
            let kind = KINDS[self.kind as usize];
            Failure { kind, code: self.code.into_string(), message: self.message.into_string() }
        }
    }

    /// What stands in the place of the value of a result with a failure.
    #[repr(C)]
    union Value {
        count: u32,
        bytes: Slice,
        failure: FailureParts,
    }

    /// `result<_, failure>`, `result<u32, failure>` or `result<list<u8>, failure>`.
    #[repr(C)]
    pub struct Outcome {
        is_failure: u8,
        value: Value,
    }

    impl Outcome {
        pub const EMPTY: Outcome = Outcome { is_failure: 0, value: Value { count: 0 } };

        /// # Safety
        /// The host has written a `result<_, failure>`. So for the others.
        pub unsafe fn into_unit(self) -> Result<(), Failure> {
            self.check().map(|_| ())
        }

        /// # Safety
        /// See `into_unit`.
        pub unsafe fn into_count(self) -> Result<u32, Failure> {
            self.check().map(|value| value.count)
        }

        /// # Safety
        /// See `into_unit`.
        pub unsafe fn into_bytes(self) -> Result<Vec<u8>, Failure> {
            self.check().map(|value| value.bytes.into_bytes())
        }

        unsafe fn check(self) -> Result<Value, Failure> {
            if self.is_failure == 0 {
                Ok(self.value)
            } else {
                Err(self.value.failure.into_failure())
            }
        }
    }

    /// `option<list<u8>>` within an answer.
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Payload {
        is_some: u8,
        bytes: Slice,
    }

    #[repr(C)]
    union AnswerValue {
        payload: Payload,
        failure: FailureParts,
    }

    /// `result<option<list<u8>>, failure>`.
    #[repr(C)]
    pub struct AnswerParts {
        is_failure: u8,
        value: AnswerValue,
    }

    const _: [(); 8] = [(); std::mem::size_of::<Slice>()];
    const _: [(); 20] = [(); std::mem::size_of::<FailureParts>()];
    const _: [(); 24] = [(); std::mem::size_of::<Outcome>()];
    const _: [(); 24] = [(); std::mem::size_of::<AnswerParts>()];

    /// The parameters of `handle` as they come. They belong to this side; dropping them frees them.
    pub struct Arguments {
        delivery: Delivery,
        subject: String,
        payload: Vec<u8>,
        sender: Option<String>,
        remaining_ms: Option<u32>,
    }

    impl Arguments {
        /// # Safety
        /// The words are the parameters of `handle`, in order.
        pub unsafe fn new(delivery: u32, subject: Slice, payload: Slice, sender: (u32, Slice), remaining: (u32, u32)) -> Arguments {
            Arguments {
                delivery: [Delivery::Tell, Delivery::Ask, Delivery::Topic][delivery as usize],
                subject: subject.into_string(),
                payload: payload.into_bytes(),
                sender: if sender.0 == 0 { None } else { Some(sender.1.into_string()) },
                remaining_ms: if remaining.0 == 0 { None } else { Some(remaining.1) },
            }
        }

        pub fn message(&self) -> Message<'_> {
            Message {
                delivery: self.delivery,
                subject: &self.subject,
                payload: &self.payload,
                sender: self.sender.as_deref(),
                remaining_ms: self.remaining_ms,
            }
        }
    }

    /// Lays an answer out for the host, which calls `free_answer` when it has read it.
    pub fn lay_out(answer: Answer) -> *mut AnswerParts {
        const NOTHING: Slice = Slice { ptr: std::ptr::null_mut(), len: 0 };
        let parts = match answer {
            Ok(None) => AnswerParts { is_failure: 0, value: AnswerValue { payload: Payload { is_some: 0, bytes: NOTHING } } },
            Ok(Some(bytes)) => {
                let payload = Payload { is_some: 1, bytes: Slice::from_bytes(bytes) };
                AnswerParts { is_failure: 0, value: AnswerValue { payload } }
            }
            Err(failure) => {
                let code = Slice::from_bytes(failure.code.into_bytes());
                let message = Slice::from_bytes(failure.message.into_bytes());
                let failure = FailureParts { kind: failure.kind as u8, code, message };
                AnswerParts { is_failure: 1, value: AnswerValue { failure } }
            }
        };
        Box::into_raw(Box::new(parts))
    }

    /// # Safety
    /// `answer` came from `lay_out` and is freed once.
    pub unsafe fn free_answer(answer: *mut AnswerParts) {
        let parts = Box::from_raw(answer);
        if parts.is_failure != 0 {
            drop(parts.value.failure.into_failure());
        } else if parts.value.payload.is_some != 0 {
            drop(parts.value.payload.bytes.into_bytes());
        }
    }

    #[link(wasm_import_module = "troupe:actor/messaging@0.1.0")]
    extern "C" {
        pub fn tell(to: *const u8, to_len: usize, op: *const u8, op_len: usize, payload: *const u8, payload_len: usize, result: *mut Outcome);
        pub fn ask(
            to: *const u8,
            to_len: usize,
            op: *const u8,
            op_len: usize,
            payload: *const u8,
            payload_len: usize,
            timeout_ms: u32,
            result: *mut Outcome,
        );
        pub fn publish(topic: *const u8, topic_len: usize, payload: *const u8, payload_len: usize, result: *mut Outcome);
        #[link_name = "self"]
        pub fn self_name(result: *mut Slice);
    }
}

/// Exports a function `fn(&Message) -> Answer` as the handler of this component.
#[allow(unused_macros)]
macro_rules! actor {
    ($on_message:path) => {
        #[export_name = "troupe:actor/handler@0.1.0#handle"]
        unsafe extern "C" fn troupe_handle(
            delivery: u32,
            subject: *mut u8,
            subject_len: usize,
            payload: *mut u8,
            payload_len: usize,
            has_sender: u32,
            sender: *mut u8,
            sender_len: usize,
            has_remaining_ms: u32,
            remaining_ms: u32,
        ) -> *mut troupe::abi::AnswerParts {
            let subject = troupe::abi::Slice { ptr: subject, len: subject_len };
            let payload = troupe::abi::Slice { ptr: payload, len: payload_len };
            let sender = troupe::abi::Slice { ptr: sender, len: sender_len };
            let remaining = (has_remaining_ms, remaining_ms);
            let arguments = troupe::abi::Arguments::new(delivery, subject, payload, (has_sender, sender), remaining);
            troupe::abi::lay_out($on_message(&arguments.message()))
        }

        #[export_name = "cabi_post_troupe:actor/handler@0.1.0#handle"]
        unsafe extern "C" fn troupe_handle_done(answer: *mut troupe::abi::AnswerParts) {
            troupe::abi::free_answer(answer);
        }
    };
}
#[allow(unused_imports)]
pub(crate) use actor;
