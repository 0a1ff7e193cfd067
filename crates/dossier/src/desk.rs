//! The desk: where the runtimes that carry calls hand in what they carried and ask for figures,
//! since only one runtime may touch the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use terms::clock::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::dossiers::Dossiers;
use crate::error::DossierError;
use crate::figure::Figures;
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

/// A packet that the portal took.
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
    missed: Arc<AtomicU64>,
}

impl Desk {
    /// Hands in a packet without waiting. False when there is no room or the packet is of no
    /// concern; in the first case it is counted as missed.
    pub fn offer(&self, carried: Carried) -> bool {
        self.hand_in(carried, None)
    }

    /// Hands in a packet and waits until its facts are durable.
    ///
    /// # Errors
    /// [`DossierError::Away`] when there is no room or the facts could not be written. A record
    /// that cannot be read is no error: it is passed over with a warning.
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

    /// Packets whose facts were lost since the start, for want of room or of a database: while this
    /// is not zero the figures are too small.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    fn hand_in(&self, carried: Carried, done: Option<Done>) -> bool {
        if !message::is_told_by(&carried.packet) {
            return false;
        }
        let size = u32::try_from(carried.body.len()).unwrap_or(u32::MAX);
        let room = self.room.clone().try_acquire_many_owned(size).ok();
        let parcel = room.map(|room| Parcel { carried, _room: room, done });
        let sent = parcel.is_some_and(|parcel| self.packets.try_send(parcel).is_ok());
        if !sent {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }
}

impl Dossiers {
    /// A desk, and the task behind it, to be spawned on the runtime of the database. It ends when
    /// the last desk is gone and what was handed in is written.
    pub fn desk(&self) -> (Desk, impl Future<Output = ()> + Send + 'static) {
        let (packets, parcels) = mpsc::channel(WAITING_MAX);
        let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
        let (room, missed) = (Semaphore::new(WAITING_BYTES_MAX), Arc::new(AtomicU64::new(0)));
        let desk = Desk { packets, questions, room: Arc::new(room), missed: missed.clone() };
        let dossiers = self.clone();
        let task = async move {
            tokio::join!(work(&dossiers, parcels, &missed), reply(&dossiers, asked));
        };
        (desk, task)
    }
}

/// Answers one question after the other, beside the writing.
async fn reply(dossiers: &Dossiers, mut questions: mpsc::Receiver<Question>) {
    while let Some(Question { period, unit, answer }) = questions.recv().await {
        // Who asked may have gone.
        if !answer.is_closed() {
            let _ = answer.send(dossiers.figures(period, unit.as_deref()).await);
        }
    }
}

async fn work(dossiers: &Dossiers, mut parcels: mpsc::Receiver<Parcel>, missed: &AtomicU64) {
    while let Some(parcel) = parcels.recv().await {
        let mut batch = Batch::default();
        batch.take(dossiers, parcel);
        while batch.messages.len() < GATHER_MAX {
            let Ok(parcel) = parcels.try_recv() else { break };
            batch.take(dossiers, parcel);
        }
        batch.write(dossiers, missed).await;
    }
}

/// What was handed in and is written together.
#[derive(Default)]
struct Batch {
    messages: Vec<Message>,
    packets: u64,
    waiting: Vec<Done>,
}

impl Batch {
    fn take(&mut self, dossiers: &Dossiers, parcel: Parcel) {
        let Carried { packet, sender, body, at } = &parcel.carried;
        match message::read(packet, sender, body, *at, dossiers.zone()) {
            Ok(reading) => {
                if reading.skipped > 0 {
                    let skipped = reading.skipped;
                    tracing::warn!(%packet, skipped, "records without a code or a status");
                }
                self.messages.extend(reading.messages);
            }
            Err(error) => tracing::warn!(%packet, %error, "a packet was not counted"),
        }
        self.packets += 1;
        self.waiting.extend(parcel.done);
    }

    async fn write(self, dossiers: &Dossiers, missed: &AtomicU64) {
        for attempt in 1..=RETRIES_MAX {
            let Err(error) = dossiers.observe(&self.messages).await else {
                return self.answer(true);
            };
            if attempt == 1 {
                let cause = error.sentence().en;
                tracing::warn!(code = "dossier_write", %cause, "facts were not written");
            }
            if !matches!(error, DossierError::Store(_)) {
                break;
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        missed.fetch_add(self.packets, Ordering::Relaxed);
        tracing::error!(packets = self.packets, "facts of dossiers were lost");
        self.answer(false);
    }

    fn answer(self, written: bool) {
        for done in self.waiting {
            let _ = done.send(if written { Ok(()) } else { Err(DossierError::Away) });
        }
    }
}
