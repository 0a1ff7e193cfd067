//! Waiting for the disk: which frames are durable, which were lost, and who waits for them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::{Condvar, Mutex};

use crate::error::Unavailable;
use crate::queue::Queue;

/// How far the log is durable, shared by the writer and all who wait.
#[derive(Default)]
pub(crate) struct Ledger {
    durable: AtomicU64,
    /// Raised whenever somebody's wait may be over.
    moves: AtomicU64,
    any_lost: AtomicBool,
    stopped: AtomicBool,
    waiting: Mutex<Waiting>,
    moved: Condvar,
}

#[derive(Default)]
struct Waiting {
    calls: Vec<Call>,
    attendants: Vec<Arc<Group>>,
    /// Ranges of sequence numbers whose callers were told that the journal failed.
    lost: Vec<(u64, u64)>,
}

/// Who waits for which frame.
struct Call {
    sequence: u64,
    waker: Waker,
}

/// The waiting calls of one runtime thread, woken by its attendant.
#[derive(Default)]
struct Group {
    calls: Mutex<Calls>,
    attendant: Mutex<Option<Waker>>,
    /// The attendant is to rouse the writer once the tasks that are ready now have run.
    asked: AtomicBool,
}

#[derive(Default)]
struct Calls {
    list: Vec<Call>,
    /// The attendant has gone: nobody would wake them.
    ended: bool,
}

thread_local! {
    static GROUP: std::cell::RefCell<Option<(usize, Arc<Group>)>> =
        const { std::cell::RefCell::new(None) };
}

impl Waiting {
    fn has_lost(&self, sequence: u64) -> bool {
        self.lost.iter().any(|(from, to)| (*from..=*to).contains(&sequence))
    }
}

impl Ledger {
    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    fn state(&self, sequence: u64) -> Poll<Result<(), Unavailable>> {
        // The list of losses is looked at only once there is one: never on a healthy node.
        let lost = self.any_lost.load(Ordering::Acquire) && self.waiting.lock().has_lost(sequence);
        self.judge(sequence, lost)
    }

    fn judge(&self, sequence: u64, lost: bool) -> Poll<Result<(), Unavailable>> {
        if lost {
            Poll::Ready(Err(Unavailable::Failed))
        } else if sequence <= self.durable() {
            Poll::Ready(Ok(()))
        } else if self.stopped.load(Ordering::Acquire) {
            Poll::Ready(Err(Unavailable::Stopped))
        } else {
            Poll::Pending
        }
    }

    fn register(self: &Arc<Ledger>, call: Call) {
        let left = self.with_group(|group| match group {
            Some(group) => group.push(call),
            None => Some(call),
        });
        if let Some(call) = left {
            self.waiting.lock().calls.push(call);
        }
    }

    /// Gives the group of this thread, if it has one of this ledger.
    fn with_group<T>(self: &Arc<Ledger>, with: impl FnOnce(Option<&Arc<Group>>) -> T) -> T {
        let owner = Arc::as_ptr(self) as usize;
        GROUP.with_borrow(|group| {
            with(group.as_ref().filter(|(of, _)| *of == owner).map(|(_, group)| group))
        })
    }

    /// Leaves it to the attendant of this thread to rouse the writer, once for all that the tasks
    /// ready now will have queued; `false` when there is none.
    pub(crate) fn ask_attendant(self: &Arc<Ledger>) -> bool {
        self.with_group(|group| group.is_some_and(Group::ask))
    }

    /// Everything up to `sequence` is durable: wakes whom it concerns, once.
    pub(crate) fn advance(&self, sequence: u64) {
        self.durable.store(sequence, Ordering::Release);
        self.wake();
    }

    /// The callers of `from..=to` are told that the journal failed, whatever comes later.
    pub(crate) fn lose(&self, from: u64, to: u64) {
        if from > to {
            return;
        }
        {
            let mut waiting = self.waiting.lock();
            match waiting.lost.last_mut() {
                Some(last) if last.1 + 1 >= from => last.1 = to.max(last.1),
                _ => waiting.lost.push((from, to)),
            }
            self.any_lost.store(true, Ordering::Release);
        }
        self.wake();
    }

    /// Nothing more becomes durable.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.wake();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Wakes the calls whose wait is over in one pass, outside the lock; of a runtime thread with
    /// an attendant only that one.
    fn wake(&self) {
        self.moves.fetch_add(1, Ordering::AcqRel);
        let mut due = Vec::new();
        {
            let mut waiting = self.waiting.lock();
            let Waiting { calls, attendants, lost } = &mut *waiting;
            let is_due = |call: &Call| {
                let is_lost = lost.iter().any(|(from, to)| (*from..=*to).contains(&call.sequence));
                self.judge(call.sequence, is_lost).is_ready()
            };
            due.extend(calls.extract_if(.., |call| is_due(call)).map(|call| call.waker));
            attendants.retain(|group| !group.calls.lock().ended);
            let awaited = |group: &&Arc<Group>| {
                self.is_stopped() || group.calls.lock().list.iter().any(&is_due)
            };
            let groups = attendants.iter().filter(awaited);
            due.extend(groups.filter_map(|group| group.attendant.lock().take()));
            self.moved.notify_all();
        }
        for waker in due {
            waker.wake();
        }
    }
}

impl Group {
    /// Gives the call back once the attendant has gone.
    fn push(&self, call: Call) -> Option<Call> {
        let mut calls = self.calls.lock();
        if calls.ended {
            return Some(call);
        }
        calls.list.push(call);
        None
    }

    /// Asks the attendant to rouse the writer; `false` when it has gone.
    fn ask(self: &Arc<Group>) -> bool {
        if self.calls.lock().ended {
            return false;
        }
        if self.asked.swap(true, Ordering::AcqRel) {
            return true;
        }
        if let Some(waker) = &*self.attendant.lock() {
            waker.wake_by_ref();
        }
        // no waker: it is about to be polled, and looks at `asked` then
        true
    }
}

/// Resolves once the frames queued so far are on the disk, or once it is certain that they will
/// not be acknowledged. Dropping it changes nothing: the frames are written all the same.
#[must_use = "a record that is not awaited is not known to be durable"]
pub struct Durable {
    ledger: Arc<Ledger>,
    sequence: u64,
    refused: Option<Unavailable>,
    waker: Option<Waker>,
}

impl Durable {
    pub(crate) fn new(ledger: &Arc<Ledger>, sequence: u64) -> Durable {
        Durable { ledger: ledger.clone(), sequence, refused: None, waker: None }
    }

    pub(crate) fn refused(ledger: &Arc<Ledger>, why: Unavailable) -> Durable {
        Durable { refused: Some(why), ..Durable::new(ledger, 0) }
    }

    /// The frame that is waited for; `None` when it was refused.
    pub(crate) fn sequence(&self) -> Option<u64> {
        self.refused.is_none().then_some(self.sequence)
    }

    /// Waits on this thread: for commands, never inside a runtime.
    pub fn wait(self) -> Result<(), Unavailable> {
        if let Some(why) = self.refused {
            return Err(why);
        }
        let mut waiting = self.ledger.waiting.lock();
        loop {
            let lost = waiting.has_lost(self.sequence);
            if let Poll::Ready(result) = self.ledger.judge(self.sequence, lost) {
                return result;
            }
            self.ledger.moved.wait(&mut waiting);
        }
    }

    fn look(&self) -> Poll<Result<(), Unavailable>> {
        match self.refused {
            Some(why) => Poll::Ready(Err(why)),
            None => self.ledger.state(self.sequence),
        }
    }
}

impl Future for Durable {
    type Output = Result<(), Unavailable>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let state = self.look();
        if state.is_ready() {
            return state;
        }
        let waker = context.waker();
        if !self.waker.as_ref().is_some_and(|w| w.will_wake(waker)) {
            self.waker = Some(waker.clone());
            self.ledger.register(Call { sequence: self.sequence, waker: waker.clone() });
        }
        // The disk may have been faster than the registration.
        self.look()
    }
}

/// Wakes the waiting calls of the runtime thread it was first polled on, and rouses the writer for
/// them; see [`Journal::attend`](crate::Journal::attend).
pub(crate) struct Attendant {
    queue: Arc<Queue>,
    group: Option<Arc<Group>>,
}

impl Attendant {
    pub(crate) fn new(queue: &Arc<Queue>) -> Attendant {
        Attendant { queue: queue.clone(), group: None }
    }
}

impl Future for Attendant {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let queue = self.queue.clone();
        let ledger = &queue.ledger;
        let group = self.group.get_or_insert_with(|| {
            let group = Arc::new(Group::default());
            let owner = Arc::as_ptr(ledger) as usize;
            GROUP.set(Some((owner, group.clone())));
            ledger.waiting.lock().attendants.push(group.clone());
            group
        });
        // The waker first: what comes behind this line wakes the attendant again.
        *group.attendant.lock() = Some(context.waker().clone());
        if group.asked.swap(false, Ordering::AcqRel) {
            queue.rouse();
        }
        let seen = ledger.moves.load(Ordering::Acquire);
        let mut calls = std::mem::take(&mut group.calls.lock().list);
        let due: Vec<_> =
            calls.extract_if(.., |call| ledger.state(call.sequence).is_ready()).collect();
        group.calls.lock().list.append(&mut calls);
        if ledger.moves.load(Ordering::Acquire) != seen {
            // What was told in between found the list empty and woke nobody.
            context.waker().wake_by_ref();
        }
        for call in due {
            call.waker.wake();
        }
        if ledger.is_stopped() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Attendant {
    fn drop(&mut self) {
        let Some(group) = self.group.take() else {
            return;
        };
        let mut left = {
            let mut calls = group.calls.lock();
            calls.ended = true;
            std::mem::take(&mut calls.list)
        };
        // From here on the writer itself wakes them; some may be due already.
        self.queue.ledger.waiting.lock().calls.append(&mut left);
        self.queue.ledger.wake();
        self.queue.rouse();
    }
}

#[cfg(test)]
mod tests;
