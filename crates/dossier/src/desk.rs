//! The desk: where the runtimes that carry calls hand in what they carried and ask for figures,
//! since only one runtime may touch the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use terms::clock::Timestamp;
use tokio::sync::{Mutex, Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use crate::dossiers::Dossiers;
use crate::error::DossierError;
use crate::figure::Figures;
use crate::gap::Cause;
use crate::ledger::{Expected, Ledger};
use crate::message::{self, Message};
use crate::period::Period;

/// Packets that wait at most.
const WAITING_MAX: usize = 10_000;
/// Their bodies together, at most: 64 MiB.
const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Questions that wait at most.
const QUESTIONS_MAX: usize = 100;
/// Messages of waiting packets that are written together, as far as the last packet goes.
const GATHER_MAX: usize = 5_000;
/// Pause before a failed write is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Tries of one write; meanwhile packets wait, and beyond [`WAITING_MAX`] are missed.
const RETRIES_MAX: u32 = 600;

/// What was lost is written down, and what is open counted, this often.
const LOOK: Duration = Duration::from_secs(1);

/// A packet that the portal took, or may have taken.
#[derive(Clone)]
pub struct Carried {
    /// Its wire name.
    pub packet: Arc<str>,
    /// The unit that sent it, where its body does not say.
    pub sender: Arc<str>,
    /// Its body in JSON, as it was sent.
    pub body: Bytes,
    /// When the exchange was opened.
    pub at: Timestamp,
}

/// Told when the facts are durable, or lost.
type Done = oneshot::Sender<Result<(), DossierError>>;

/// A packet handed in, with the room that its body takes.
struct Parcel {
    carried: Carried,
    /// It is not known whether the portal took it.
    in_doubt: bool,
    _room: OwnedSemaphorePermit,
    done: Option<Done>,
}

struct Question {
    period: Period,
    unit: Option<String>,
    answer: oneshot::Sender<Result<Figures, DossierError>>,
}

/// A handle to the task that keeps facts. Cheap to clone, for any runtime.
#[derive(Clone)]
pub struct Desk {
    packets: mpsc::Sender<Parcel>,
    questions: mpsc::Sender<Question>,
    room: Arc<Semaphore>,
    missing: Arc<Missing>,
    ledger: Arc<Ledger>,
}

/// What the facts lack.
#[derive(Default)]
struct Missing {
    /// Packets whose facts were lost and of which the database does not know yet.
    lost: AtomicU64,
    /// What the database says is open: dossiers in doubt and records lost.
    open: AtomicU64,
    /// Packets that could not be written yet, while that is tried again.
    late: AtomicU64,
    /// One look at a time: what was lost is written down once.
    looking: Mutex<()>,
}

impl Desk {
    /// A packet is about to leave for the portal: until what is returned is dropped, and what was
    /// handed in by then is written, a killed process leaves it behind as lost.
    pub fn expect(&self) -> Expected {
        self.ledger.expect()
    }

    /// Hands in a packet that the portal took, without waiting. False when there is no room or the
    /// packet is of no concern; in the first case it is counted as missed.
    pub fn offer(&self, carried: Carried) -> bool {
        self.hand_in(Parcelled { carried, in_doubt: false, done: None })
    }

    /// Hands in a packet of which it is not known whether the portal took it, as when it did not
    /// answer: until that is settled, by a later packet of each dossier or by an officer, periods
    /// that it may touch have no figures.
    pub fn miss(&self, carried: Carried) {
        self.hand_in(Parcelled { carried, in_doubt: true, done: None });
    }

    /// Hands in a packet and waits until its facts are durable.
    ///
    /// # Errors
    /// [`DossierError::Away`] when there is no room or the facts could not be written. A record
    /// that cannot be read is no error: it is noted as lost.
    pub async fn observe(&self, carried: Carried) -> Result<(), DossierError> {
        if !message::is_told_by(&carried.packet) {
            return Ok(());
        }
        let (done, wait) = oneshot::channel();
        if !self.hand_in(Parcelled { carried, in_doubt: false, done: Some(done) }) {
            return Err(DossierError::Away);
        }
        wait.await.unwrap_or(Err(DossierError::Away))
    }

    /// The figures of a period ([`Dossiers::figures`]).
    ///
    /// # Errors
    /// As there, and [`DossierError::Away`] when too many wait or the task has stopped.
    pub async fn figures(
        &self,
        period: Period,
        unit: Option<String>,
    ) -> Result<Figures, DossierError> {
        let (answer, wait) = oneshot::channel();
        let question = Question { period, unit, answer };
        self.questions.try_send(question).map_err(|_| DossierError::Away)?;
        wait.await.unwrap_or(Err(DossierError::Away))
    }

    /// What the facts of all nodes lack: dossiers in doubt, and records whose facts were lost.
    /// While this is not zero, periods that it may touch have no figures.
    pub fn missed(&self) -> u64 {
        self.missing.unwritten() + self.missing.open.load(Ordering::Relaxed)
    }

    fn hand_in(&self, parcelled: Parcelled) -> bool {
        let Parcelled { carried, in_doubt, done } = parcelled;
        if !message::is_told_by(&carried.packet) {
            return false;
        }
        self.ledger.add(1);
        let size = u32::try_from(carried.body.len()).unwrap_or(u32::MAX);
        let room = self.room.clone().try_acquire_many_owned(size).ok();
        let parcel = room.map(|room| Parcel { carried, in_doubt, _room: room, done });
        let sent = parcel.is_some_and(|parcel| self.packets.try_send(parcel).is_ok());
        if !sent {
            self.missing.lost.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }
}

impl Missing {
    /// What only this node knows of.
    fn unwritten(&self) -> u64 {
        self.lost.load(Ordering::Relaxed) + self.late.load(Ordering::Relaxed)
    }
}

/// A packet handed in, before there is room for it.
struct Parcelled {
    carried: Carried,
    in_doubt: bool,
    done: Option<Done>,
}

impl Dossiers {
    /// A desk, and the task behind it, to be spawned on the runtime of the database. It ends when
    /// the last desk is gone and what was handed in is written.
    pub fn desk(&self, ledger: Ledger) -> (Desk, impl Future<Output = ()> + Send + 'static) {
        let (packets, parcels) = mpsc::channel(WAITING_MAX);
        let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
        let room = Arc::new(Semaphore::new(WAITING_BYTES_MAX));
        // what the last process left on its way is lost
        let lost = AtomicU64::new(ledger.count());
        let (missing, ledger) =
            (Arc::new(Missing { lost, ..Missing::default() }), Arc::new(ledger));
        let (known, kept_in) = (Arc::clone(&missing), Arc::clone(&ledger));
        let desk = Desk { packets, questions, room, missing: known, ledger: kept_in };
        let dossiers = self.clone();
        let task = async move {
            let over = Notify::new();
            let kept = async {
                tokio::join!(
                    work(&dossiers, parcels, (&missing, &ledger)),
                    reply(&dossiers, asked, &missing)
                );
                over.notify_one();
            };
            tokio::join!(kept, tend(&dossiers, (&missing, &ledger), &over));
        };
        (desk, task)
    }
}

/// Writes down what was lost, and counts what is open, again and again; once more when all is over.
async fn tend(dossiers: &Dossiers, known: (&Missing, &Ledger), over: &Notify) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_over = tokio::select! {
            _ = ticks.tick() => false,
            () = over.notified() => true,
        };
        look(dossiers, known).await;
        if is_over {
            return;
        }
    }
}

async fn look(dossiers: &Dossiers, (missing, ledger): (&Missing, &Ledger)) {
    let _one = missing.looking.lock().await;
    let lost = missing.lost.load(Ordering::Relaxed);
    if lost > 0 && dossiers.note_lost(lost, Cause::Unwritten).await.is_ok() {
        missing.open.fetch_add(lost, Ordering::Relaxed);
        missing.lost.fetch_sub(lost, Ordering::Relaxed);
        ledger.end(lost);
    }
    // the database away is told elsewhere
    if let Ok(gaps) = dossiers.gaps().await {
        missing.open.store(gaps.dossiers + gaps.lost, Ordering::Relaxed);
    }
}

/// Answers one question after the other, beside the writing.
async fn reply(dossiers: &Dossiers, mut questions: mpsc::Receiver<Question>, missing: &Missing) {
    while let Some(Question { period, unit, answer }) = questions.recv().await {
        // Who asked may have gone.
        if answer.is_closed() {
            continue;
        }
        let figures = match missing.unwritten() {
            0 => dossiers.figures(period, unit.as_deref()).await,
            lost => Err(DossierError::Gaps { dossiers: 0, lost }),
        };
        let _ = answer.send(figures);
    }
}

async fn work(
    dossiers: &Dossiers,
    mut parcels: mpsc::Receiver<Parcel>,
    known: (&Missing, &Ledger),
) {
    while let Some(parcel) = parcels.recv().await {
        let mut batch = Batch::default();
        batch.take(dossiers, parcel);
        while batch.messages.len() + batch.doubts.len() < GATHER_MAX {
            let Ok(parcel) = parcels.try_recv() else { break };
            batch.take(dossiers, parcel);
        }
        batch.write(dossiers, known).await;
    }
}

/// What was handed in and is written together.
#[derive(Default)]
struct Batch {
    messages: Vec<Message>,
    doubts: Vec<Message>,
    /// Records that cannot be counted.
    unread: u64,
    packets: u64,
    waiting: Vec<Done>,
}

impl Batch {
    fn take(&mut self, dossiers: &Dossiers, parcel: Parcel) {
        let Carried { packet, sender, body, at } = &parcel.carried;
        match message::read(packet, sender, body, *at, dossiers.zone()) {
            Ok(reading) => {
                if reading.uncounted > 0 {
                    let uncounted = reading.uncounted;
                    tracing::warn!(%packet, uncounted, "records that cannot be counted");
                }
                self.unread += u64::from(reading.uncounted);
                let told = if parcel.in_doubt { &mut self.doubts } else { &mut self.messages };
                told.extend(reading.messages);
            }
            Err(error) => {
                tracing::warn!(%packet, %error, "a packet was not counted");
                self.unread += 1;
            }
        }
        self.packets += 1;
        self.waiting.extend(parcel.done);
    }

    async fn write(mut self, dossiers: &Dossiers, known: (&Missing, &Ledger)) {
        let (missing, ledger) = known;
        let opens = !self.doubts.is_empty() || self.unread > 0;
        for attempt in 1..=RETRIES_MAX {
            let Err(error) = self.try_write(dossiers).await else {
                ledger.end(self.packets);
                missing.late.store(0, Ordering::Relaxed);
                if opens || missing.open.load(Ordering::Relaxed) > 0 {
                    look(dossiers, known).await;
                }
                return self.answer(true);
            };
            if attempt == 1 {
                missing.late.store(self.packets, Ordering::Relaxed);
                let cause = error.sentence().en;
                tracing::warn!(code = "dossier_write", %cause, "facts were not written");
            }
            if !matches!(error, DossierError::Store(_)) {
                break;
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        missing.lost.fetch_add(self.packets, Ordering::Relaxed);
        missing.late.store(0, Ordering::Relaxed);
        tracing::error!(packets = self.packets, "facts of dossiers were lost");
        self.answer(false);
    }

    /// Doing it again is harmless: what cannot be read is noted last, and once.
    async fn try_write(&mut self, dossiers: &Dossiers) -> Result<(), DossierError> {
        dossiers.observe(&self.messages).await?;
        dossiers.doubt(&self.doubts).await?;
        if self.unread > 0 {
            dossiers.note_lost(self.unread, Cause::Unread).await?;
            self.unread = 0;
        }
        Ok(())
    }

    fn answer(self, written: bool) {
        for done in self.waiting {
            let _ = done.send(if written { Ok(()) } else { Err(DossierError::Away) });
        }
    }
}
