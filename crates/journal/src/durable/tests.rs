//! The attendant and the writer at the same list.

use std::sync::atomic::AtomicUsize;
use std::task::Wake;

use super::*;

/// Calls beside the one that is looked at, so that judging them takes a while.
const OTHERS: usize = 50_000;

#[derive(Default)]
struct Flag(AtomicBool);

impl Flag {
    fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Flag>) {
        self.0.store(true, Ordering::Release);
    }
}

/// One round: the call becomes durable while the attendant holds the list in its hands. Tells
/// whether the call was woken.
fn is_woken(looks: &AtomicUsize) -> bool {
    let queue = Arc::new(Queue::new("n1".into(), terms::clock::Clock::system(), 1));
    let ledger = &queue.ledger;
    let (task, call) = (Arc::new(Flag::default()), Arc::new(Flag::default()));
    let waker = Waker::from(task.clone());
    let mut context = Context::from_waker(&waker);
    let mut attendant = std::pin::pin!(Attendant::new(&queue));
    assert!(attendant.as_mut().poll(&mut context).is_pending());
    let group = ledger.waiting.lock().attendants[0].clone();
    let wait = |sequence, waker| Call { sequence, waker };
    ledger.register(wait(1, Waker::from(call.clone())));
    for _ in 0..OTHERS {
        ledger.register(wait(u64::MAX, Waker::noop().clone()));
    }
    let polled = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !polled.load(Ordering::Acquire) {
                if group.calls.lock().list.is_empty() {
                    looks.fetch_add(1, Ordering::Relaxed);
                    break;
                }
            }
            ledger.advance(1);
        });
        assert!(attendant.as_mut().poll(&mut context).is_pending());
        polled.store(true, Ordering::Release);
    });
    while task.take() {
        assert!(attendant.as_mut().poll(&mut context).is_pending());
    }
    call.take()
}

#[test]
fn a_call_durable_while_the_attendant_judges_its_list_is_woken() {
    let looks = AtomicUsize::new(0);
    let mut rounds = 0;
    while looks.load(Ordering::Relaxed) < 10 && rounds < 1_000 {
        assert!(is_woken(&looks), "round {rounds}, {looks:?} of them made durable in between");
        rounds += 1;
    }
    assert!(looks.into_inner() > 0, "the writer never came in between: the test shows nothing");
}
