//! The desk: where the runtimes that carry calls hand in what they carried and ask for figures,
//! since only one runtime may touch the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use terms::clock::Timestamp;
use terms::limit::{
    FACTS_LOOK, FACTS_QUESTIONS_MAX, FACTS_RETRIES_MAX, FACTS_RETRY_PAUSE, FACTS_WAITING_BYTES_MAX,
    FACTS_WAITING_MAX, FACTS_WRITTEN_MAX,
};
use tokio::sync::{Mutex, Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use crate::dossiers::Dossiers;
use crate::error::DossierError;
use crate::figure::Figures;
use crate::gap::Cause;
use crate::message::{self, Message, Reading};
use crate::period::Period;
use crate::tally::{Expected, Tally};

/// A packet of which the portal took records, or may have taken some.
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
    /// The portal holds the records before this one, counted from the first.
    pub held: usize,
    /// It is not known of those from there up to this one: until that is settled, by a later
    /// packet of each dossier or by an officer, periods that they may touch have no figures.
    pub doubt: usize,
}

/// Told when the facts are durable, or lost.
type Done = oneshot::Sender<Result<(), DossierError>>;

/// A packet handed in, with the room that its body takes.
struct Handed {
    carried: Carried,
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
    packets: mpsc::Sender<Handed>,
    questions: mpsc::Sender<Question>,
    room: Arc<Semaphore>,
    missed: Arc<Missed>,
    tally: Arc<Tally>,
}

/// What the facts lack.
#[derive(Default)]
struct Missed {
    /// Packets whose facts were lost and of which the database does not know yet.
    lost: AtomicU64,
    /// Packets that could not be written yet, while that is tried again.
    unwritten: AtomicU64,
    /// The gaps that the database knows of: dossiers in doubt and records lost.
    gaps: AtomicU64,
    /// One look at a time: what was lost is written down once.
    looking: Mutex<()>,
}

impl Desk {
    /// A packet is about to leave for the portal: until what is returned is dropped, and what was
    /// handed in by then is written, a killed process leaves it behind as lost.
    pub fn expect(&self) -> Expected {
        self.tally.expect()
    }

    /// Hands in a packet, without waiting. False when there is no room or the packet is of no
    /// concern; in the first case it is counted as lost.
    pub fn offer(&self, carried: Carried) -> bool {
        self.hand_in(carried, None)
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
        if !self.hand_in(carried, Some(done)) {
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
        self.missed.here() + self.missed.gaps.load(Ordering::Relaxed)
    }

    fn hand_in(&self, carried: Carried, done: Option<Done>) -> bool {
        if !message::is_told_by(&carried.packet) {
            return false;
        }
        self.tally.add(1);
        let size = u32::try_from(carried.body.len()).unwrap_or(u32::MAX);
        let room = self.room.clone().try_acquire_many_owned(size).ok();
        let handed = room.map(|room| Handed { carried, _room: room, done });
        let sent = handed.is_some_and(|handed| self.packets.try_send(handed).is_ok());
        if !sent {
            self.missed.lost.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }
}

impl Missed {
    /// What only this node knows of.
    fn here(&self) -> u64 {
        self.lost.load(Ordering::Relaxed) + self.unwritten.load(Ordering::Relaxed)
    }
}

impl Dossiers {
    /// A desk, and the task behind it, to be spawned on the runtime of the database. It ends when
    /// the last desk is gone and what was handed in is written.
    pub fn desk(&self, tally: Tally) -> (Desk, impl Future<Output = ()> + Send + 'static) {
        let (packets, handed) = mpsc::channel(FACTS_WAITING_MAX);
        let (questions, asked) = mpsc::channel(FACTS_QUESTIONS_MAX);
        let room = Arc::new(Semaphore::new(FACTS_WAITING_BYTES_MAX));
        // what the last process left on its way is lost
        let lost = AtomicU64::new(tally.count());
        let (missed, tally) = (Arc::new(Missed { lost, ..Missed::default() }), Arc::new(tally));
        let dossiers = self.clone();
        let desk =
            Desk { packets, questions, room, missed: Arc::clone(&missed), tally: tally.clone() };
        let task = async move {
            let over = Notify::new();
            let kept = async {
                tokio::join!(
                    work(&dossiers, handed, (&missed, &tally)),
                    reply(&dossiers, asked, &missed)
                );
                over.notify_one();
            };
            tokio::join!(kept, tend(&dossiers, (&missed, &tally), &over));
        };
        (desk, task)
    }
}

/// Writes down what was lost, and counts what is open, again and again; once more when all is over.
async fn tend(dossiers: &Dossiers, known: (&Missed, &Tally), over: &Notify) {
    let mut ticks = tokio::time::interval(FACTS_LOOK);
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

async fn look(dossiers: &Dossiers, (missed, tally): (&Missed, &Tally)) {
    tally.copy();
    let _one = missed.looking.lock().await;
    let lost = missed.lost.load(Ordering::Relaxed);
    if lost > 0 && dossiers.note_lost(lost, Cause::Unwritten).await.is_ok() {
        missed.gaps.fetch_add(lost, Ordering::Relaxed);
        missed.lost.fetch_sub(lost, Ordering::Relaxed);
        tally.end(lost);
    }
    // the database away is told elsewhere
    if let Ok(gaps) = dossiers.gaps().await {
        missed.gaps.store(gaps.dossiers + gaps.lost, Ordering::Relaxed);
    }
}

/// Answers one question after the other, beside the writing.
async fn reply(dossiers: &Dossiers, mut questions: mpsc::Receiver<Question>, missed: &Missed) {
    while let Some(Question { period, unit, answer }) = questions.recv().await {
        // Who asked may have gone.
        if answer.is_closed() {
            continue;
        }
        let figures = match missed.here() {
            0 => dossiers.figures(period, unit.as_deref()).await,
            lost => Err(DossierError::Gaps { dossiers: 0, lost }),
        };
        let _ = answer.send(figures);
    }
}

async fn work(dossiers: &Dossiers, mut handed: mpsc::Receiver<Handed>, known: (&Missed, &Tally)) {
    while let Some(first) = handed.recv().await {
        let mut batch = Batch::default();
        batch.take(dossiers, first);
        while batch.messages.len() + batch.doubts.len() < FACTS_WRITTEN_MAX {
            let Ok(next) = handed.try_recv() else { break };
            batch.take(dossiers, next);
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
    fn take(&mut self, dossiers: &Dossiers, handed: Handed) {
        let Carried { packet, sender, body, at, held, doubt } = handed.carried;
        let parts = [(0..held, &mut self.messages), (held..doubt, &mut self.doubts)];
        for (records, told) in parts.into_iter().filter(|(records, _)| !records.is_empty()) {
            match message::read(&packet, &sender, &body, records, at, dossiers.zone()) {
                Ok(Reading { messages, uncounted }) => {
                    if uncounted > 0 {
                        tracing::warn!(%packet, uncounted, "records that cannot be counted");
                    }
                    self.unread += u64::from(uncounted);
                    told.extend(messages);
                }
                Err(error) => {
                    tracing::warn!(%packet, %error, "a packet was not counted");
                    self.unread += 1;
                    break;
                }
            }
        }
        self.packets += 1;
        self.waiting.extend(handed.done);
    }

    async fn write(mut self, dossiers: &Dossiers, known: (&Missed, &Tally)) {
        let (missed, tally) = known;
        let opens = !self.doubts.is_empty() || self.unread > 0;
        for attempt in 1..=FACTS_RETRIES_MAX {
            let Err(error) = self.try_write(dossiers).await else {
                tally.end(self.packets);
                missed.unwritten.store(0, Ordering::Relaxed);
                if opens || missed.gaps.load(Ordering::Relaxed) > 0 {
                    look(dossiers, known).await;
                }
                return self.answer(true);
            };
            if attempt == 1 {
                missed.unwritten.store(self.packets, Ordering::Relaxed);
                let cause = error.sentence().en;
                tracing::warn!(code = "dossier_write", %cause, "facts were not written");
            }
            if !matches!(error, DossierError::Store(_)) {
                break;
            }
            tokio::time::sleep(FACTS_RETRY_PAUSE).await;
        }
        missed.lost.fetch_add(self.packets, Ordering::Relaxed);
        missed.unwritten.store(0, Ordering::Relaxed);
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
