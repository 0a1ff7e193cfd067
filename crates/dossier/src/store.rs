//! The SQL of dossiers: facts, daily counters, the switch, and the packets that were sent.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyExecutor, AssertSqlSafe, Row};
use terms::clock::Timestamp;

use crate::fact::{Channel, Facts, Progress, Record, Status};
use crate::figure::{Cut, Sums};
use crate::gap::Gaps;
use crate::keeping::Keeping;
use crate::mark::{Counters, Days};
use crate::moment::{Day, Moment};
use crate::packet::PacketSeen;
use crate::period::Span;
use crate::schedule::State;

/// Values bound in one statement at most: what is not much slower than fewer. SQLite looks for the
/// number of each among all of them, so twice as many take four times as long.
const VALUES_MAX: usize = 120;

/// Columns of `dossier` in the order in which they are read and written.
const COLUMNS: &str = "id, agency, procedure_code, domain_code, channel, status, received, due, \
    finished, record_at, progress_status, progress_moment, progress_at, closed_first, erased_at";
/// How many.
const COLUMN_COUNT: usize = 15;
/// A statement under construction.
type Statement<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

/// Tables of facts: what is known, and what is in doubt.
#[derive(Clone, Copy)]
pub(crate) enum Sort {
    Known,
    Doubt,
}

impl Sort {
    fn table(self) -> &'static str {
        match self {
            Sort::Known => "dossier",
            Sort::Doubt => "dossier_doubt",
        }
    }
}

/// Columns of `dossier_day`.
const DAY_COLUMN_COUNT: usize = 7;

/// What is known of these dossiers, or in doubt; those of which nothing is are absent.
pub(crate) async fn list(
    tx: &mut AnyConnection,
    sort: Sort,
    ids: &[&str],
) -> Result<BTreeMap<String, Facts>, sqlx::Error> {
    let mut known = BTreeMap::new();
    for ids in ids.chunks(VALUES_MAX) {
        let list = placeholders(1, ids.len());
        let sql = format!("SELECT {COLUMNS} FROM {} WHERE id IN {list}", sort.table());
        // Only a table's name and numbers of placeholders were put into the text.
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for id in ids {
            query = query.bind(*id);
        }
        for row in query.fetch_all(&mut *tx).await? {
            known.insert(row.try_get("id")?, read(&row)?);
        }
    }
    Ok(known)
}

/// The next dossiers after `after` in the order of their ids.
pub(crate) async fn list_page<'c>(
    executor: impl AnyExecutor<'c>,
    sort: Sort,
    after: &str,
    limit: usize,
) -> Result<Vec<(String, Facts)>, sqlx::Error> {
    let table = sort.table();
    let sql = format!("SELECT {COLUMNS} FROM {table} WHERE id > $1 ORDER BY id LIMIT $2");
    let query =
        sqlx::query(AssertSqlSafe(sql)).bind(after).bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = query.fetch_all(executor).await?;
    rows.iter().map(|row| Ok((row.try_get("id")?, read(row)?))).collect()
}

/// Writes what is known of these dossiers.
pub(crate) async fn update(
    tx: &mut AnyConnection,
    dossiers: &[(&str, &Facts)],
) -> Result<(), sqlx::Error> {
    for chunk in dossiers.chunks(VALUES_MAX / COLUMN_COUNT) {
        let rows = chunk.len();
        let mut query = sqlx::query(AssertSqlSafe(update_sql(Sort::Known.table(), COLUMNS, rows)));
        for (id, facts) in chunk {
            query = bind(query, id, facts);
        }
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

/// Writes what is in doubt of these dossiers, and the first day that it would change.
pub(crate) async fn update_doubts(
    tx: &mut AnyConnection,
    doubts: &[(&str, &Facts, Day)],
) -> Result<(), sqlx::Error> {
    let columns = format!("{COLUMNS}, first_day");
    for chunk in doubts.chunks(VALUES_MAX / (COLUMN_COUNT + 1)) {
        let sql = update_sql(Sort::Doubt.table(), &columns, chunk.len());
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (id, facts, first) in chunk {
            query = bind(query, id, facts).bind(first.number());
        }
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

/// Values in the order of [`COLUMNS`].
fn bind<'q>(query: Statement<'q>, id: &'q str, facts: &'q Facts) -> Statement<'q> {
    let record = facts.record.as_ref();
    let progress = facts.progress.as_ref();
    let moment = |moment: Option<Moment>| moment.map(Moment::number);
    query
        .bind(id)
        .bind(record.and_then(|r| r.agency.as_deref()))
        .bind(record.and_then(|r| r.procedure.as_deref()))
        .bind(record.and_then(|r| r.domain.as_deref()))
        .bind(record.and_then(|r| r.channel).map(|c| i64::from(c.code())))
        .bind(record.and_then(|r| r.status).map(|s| i64::from(s.code())))
        .bind(record.and_then(|r| r.received).map(Day::number))
        .bind(record.and_then(|r| r.due).map(Day::number))
        .bind(moment(record.and_then(|r| r.finished)))
        .bind(record.map(|r| r.at.micros()))
        .bind(progress.map(|p| i64::from(p.status.code())))
        .bind(progress.map(|p| p.moment.number()))
        .bind(progress.map(|p| p.at.micros()))
        .bind(moment(facts.closed_first))
        .bind(facts.erased.map(Timestamp::micros))
}

fn update_sql(table: &str, columns: &str, rows: usize) -> String {
    let count = columns.split(", ").count();
    let rows: Vec<String> = (0..rows).map(|row| placeholders(row * count + 1, count)).collect();
    let names = columns.split(", ").skip(1);
    let set: Vec<String> = names.map(|name| format!("{name} = excluded.{name}")).collect();
    format!(
        "INSERT INTO {table} ({columns}) VALUES {} ON CONFLICT (id) DO UPDATE SET {}",
        rows.join(", "),
        set.join(", ")
    )
}

/// `($5, $6)`.
fn placeholders(first: usize, count: usize) -> String {
    let numbers: Vec<String> = (first..first + count).map(|number| format!("${number}")).collect();
    format!("({})", numbers.join(", "))
}

fn read(row: &AnyRow) -> Result<Facts, sqlx::Error> {
    let number = |column: &str| row.try_get::<Option<i64>, _>(column);
    let text = |column: &str| row.try_get::<Option<String>, _>(column);
    let moment = |column: &str| Ok::<_, sqlx::Error>(number(column)?.and_then(Moment::from_number));
    let day = |column: &str| Ok::<_, sqlx::Error>(number(column)?.and_then(Day::from_number));
    let record = match number("record_at")? {
        Some(at) => Some(Record {
            at: Timestamp::from_micros(at),
            agency: text("agency")?,
            procedure: text("procedure_code")?,
            domain: text("domain_code")?,
            channel: number("channel")?.and_then(Channel::new),
            status: number("status")?.and_then(Status::new),
            received: day("received")?,
            due: day("due")?,
            finished: moment("finished")?,
        }),
        None => None,
    };
    let status = number("progress_status")?.and_then(Status::new);
    let steps = status.zip(moment("progress_moment")?).zip(number("progress_at")?);
    let progress = steps.map(|((status, moment), at)| Progress {
        moment,
        at: Timestamp::from_micros(at),
        status,
    });
    let erased = number("erased_at")?.map(Timestamp::from_micros);
    Ok(Facts { record, progress, closed_first: moment("closed_first")?, erased })
}

/// Adds changes to the daily counters.
pub(crate) async fn update_days(tx: &mut AnyConnection, days: &Days) -> Result<(), sqlx::Error> {
    let days: Vec<_> = days.iter().collect();
    for chunk in days.chunks(VALUES_MAX / DAY_COLUMN_COUNT) {
        let rows: Vec<String> = (0..chunk.len())
            .map(|row| placeholders(row * DAY_COLUMN_COUNT + 1, DAY_COLUMN_COUNT))
            .collect();
        let sql = format!(
            "INSERT INTO dossier_day (agency, day, received, finished_in_time, finished_late, \
             overdue_opened, overdue_closed) VALUES {} ON CONFLICT (agency, day) DO UPDATE SET \
             received = dossier_day.received + excluded.received, \
             finished_in_time = dossier_day.finished_in_time + excluded.finished_in_time, \
             finished_late = dossier_day.finished_late + excluded.finished_late, \
             overdue_opened = dossier_day.overdue_opened + excluded.overdue_opened, \
             overdue_closed = dossier_day.overdue_closed + excluded.overdue_closed",
            rows.join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (agency, day, counters) in chunk {
            query = query
                .bind(*agency)
                .bind(day.number())
                .bind(counters.received)
                .bind(counters.finished_in_time)
                .bind(counters.finished_late)
                .bind(counters.overdue_opened)
                .bind(counters.overdue_closed);
        }
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

/// All daily counters that are not zero.
pub(crate) async fn list_days<'c>(executor: impl AnyExecutor<'c>) -> Result<Days, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT agency, day, received, finished_in_time, finished_late, overdue_opened, \
         overdue_closed FROM dossier_day",
    )
    .fetch_all(executor)
    .await?;
    let mut days = Days::default();
    for row in &rows {
        let day = Day::from_number(row.try_get("day")?).ok_or_else(|| damaged("day"))?;
        let counters = Counters {
            received: row.try_get("received")?,
            finished_in_time: row.try_get("finished_in_time")?,
            finished_late: row.try_get("finished_late")?,
            overdue_opened: row.try_get("overdue_opened")?,
            overdue_closed: row.try_get("overdue_closed")?,
        };
        if !counters.is_zero() {
            days.insert(row.try_get("agency")?, day, &counters);
        }
    }
    Ok(days)
}

/// The sums of each agency: what [`Sums::add_day`] says, in SQL.
pub(crate) async fn sum<'c>(
    executor: impl AnyExecutor<'c>,
    cut: Cut,
) -> Result<Vec<(String, Sums)>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT agency, \
         CAST(sum(CASE WHEN day < $1 THEN received - finished_in_time - finished_late \
                  ELSE 0 END) AS BIGINT) AS carried, \
         CAST(sum(CASE WHEN day < $1 THEN 0 ELSE received END) AS BIGINT) AS received, \
         CAST(sum(CASE WHEN day < $1 THEN 0 ELSE finished_in_time END) AS BIGINT) AS in_time, \
         CAST(sum(CASE WHEN day < $1 THEN 0 ELSE finished_late END) AS BIGINT) AS late, \
         CAST(sum(overdue_opened - overdue_closed) AS BIGINT) AS overdue \
         FROM dossier_day WHERE day <= $2 GROUP BY agency",
    )
    .bind(cut.from.number())
    .bind(cut.end.number())
    .fetch_all(executor)
    .await?;
    let read = |row: &AnyRow| -> Result<(String, Sums), sqlx::Error> {
        let sums = Sums {
            carried: row.try_get("carried")?,
            received: row.try_get("received")?,
            in_time: row.try_get("in_time")?,
            late: row.try_get("late")?,
            overdue: row.try_get("overdue")?,
        };
        Ok((row.try_get("agency")?, sums))
    };
    rows.iter().map(read).collect()
}

/// How many dossiers there are.
pub(crate) async fn count<'c>(executor: impl AnyExecutor<'c>) -> Result<u64, sqlx::Error> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM dossier").fetch_one(executor).await?;
    u64::try_from(count).map_err(|_| damaged("count"))
}

/// Deletes the daily counters.
pub(crate) async fn delete_days(tx: &mut AnyConnection) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM dossier_day").execute(tx).await.map(drop)
}

/// Deletes all facts; gives how many dossiers there were.
pub(crate) async fn delete_all(tx: &mut AnyConnection) -> Result<u64, sqlx::Error> {
    delete_days(tx).await?;
    delete_lost(tx).await?;
    delete_all_doubts(tx).await?;
    sqlx::query("DELETE FROM dossier").execute(tx).await.map(|done| done.rows_affected())
}

/// Deletes all doubts; gives of how many dossiers.
pub(crate) async fn delete_all_doubts(tx: &mut AnyConnection) -> Result<u64, sqlx::Error> {
    let sql = "DELETE FROM dossier_doubt";
    sqlx::query(sql).execute(tx).await.map(|done| done.rows_affected())
}

/// Deletes these doubts.
pub(crate) async fn delete_doubts(tx: &mut AnyConnection, ids: &[&str]) -> Result<(), sqlx::Error> {
    for ids in ids.chunks(VALUES_MAX) {
        let sql = format!("DELETE FROM dossier_doubt WHERE id IN {}", placeholders(1, ids.len()));
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for id in ids {
            query = query.bind(*id);
        }
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

/// Notes that facts were lost.
pub(crate) async fn insert_lost(
    tx: &mut AnyConnection,
    id: &str,
    at: Timestamp,
    cause: &str,
    lost: u64,
) -> Result<(), sqlx::Error> {
    let lost = i64::try_from(lost).unwrap_or(i64::MAX);
    sqlx::query("INSERT INTO dossier_gap (id, noted_at, cause, lost) VALUES ($1, $2, $3, $4)")
        .bind(id)
        .bind(at.micros())
        .bind(cause)
        .bind(lost)
        .execute(tx)
        .await
        .map(drop)
}

/// Forgets what was lost; gives how much it was.
pub(crate) async fn delete_lost(tx: &mut AnyConnection) -> Result<u64, sqlx::Error> {
    let lost = count_lost(&mut *tx).await?;
    sqlx::query("DELETE FROM dossier_gap").execute(tx).await?;
    Ok(lost)
}

/// What keeps the facts from being complete.
pub(crate) async fn find_gaps(tx: &mut AnyConnection) -> Result<Gaps, sqlx::Error> {
    let row = sqlx::query("SELECT count(*) AS count, min(first_day) AS first FROM dossier_doubt")
        .fetch_one(&mut *tx)
        .await?;
    let dossiers: i64 = row.try_get("count")?;
    let first: Option<i64> = row.try_get("first")?;
    Ok(Gaps {
        dossiers: u64::try_from(dossiers).map_err(|_| damaged("count"))?,
        lost: count_lost(tx).await?,
        first: first.and_then(Day::from_number),
    })
}

async fn count_lost(tx: &mut AnyConnection) -> Result<u64, sqlx::Error> {
    let sql = "SELECT CAST(coalesce(sum(lost), 0) AS BIGINT) FROM dossier_gap";
    let lost: i64 = sqlx::query_scalar(sql).fetch_one(tx).await?;
    u64::try_from(lost).map_err(|_| damaged("lost"))
}

/// The switch as it was last set.
pub(crate) async fn find_keeping<'c>(
    executor: impl AnyExecutor<'c>,
) -> Result<Option<Keeping>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT legal_ground, stated_from, complete_from, key_id, begun_at, ended_at \
         FROM dossier_keeping WHERE id = 1",
    )
    .fetch_optional(executor)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let day = |column: &str| -> Result<Option<Day>, sqlx::Error> {
        let number: Option<i64> = row.try_get(column)?;
        number.map(|number| Day::from_number(number).ok_or_else(|| damaged(column))).transpose()
    };
    let key: i64 = row.try_get("key_id")?;
    let ended: Option<i64> = row.try_get("ended_at")?;
    Ok(Some(Keeping {
        legal_ground: row.try_get("legal_ground")?,
        stated_from: day("stated_from")?,
        complete_from: day("complete_from")?,
        key_id: u8::try_from(key).map_err(|_| damaged("key_id"))?,
        begun_at: Timestamp::from_micros(row.try_get("begun_at")?),
        ended_at: ended.map(Timestamp::from_micros),
    }))
}

/// Sets the switch.
pub(crate) async fn update_keeping(
    tx: &mut AnyConnection,
    keeping: &Keeping,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO dossier_keeping \
         (id, legal_ground, stated_from, complete_from, key_id, begun_at, ended_at) \
         VALUES (1, $1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET \
         legal_ground = excluded.legal_ground, stated_from = excluded.stated_from, \
         complete_from = excluded.complete_from, \
         key_id = excluded.key_id, begun_at = excluded.begun_at, ended_at = excluded.ended_at",
    )
    .bind(keeping.legal_ground.as_deref())
    .bind(keeping.stated_from.map(Day::number))
    .bind(keeping.complete_from.map(Day::number))
    .bind(i64::from(keeping.key_id))
    .bind(keeping.begun_at.micros())
    .bind(keeping.ended_at.map(Timestamp::micros))
    .execute(tx)
    .await
    .map(drop)
}

/// Where each packet stands that was ever handed out.
pub(crate) async fn list_packets<'c>(
    executor: impl AnyExecutor<'c>,
) -> Result<BTreeMap<Span, State>, sqlx::Error> {
    let rows = sqlx::query("SELECT span, state, attempts, next_at FROM dossier_packet")
        .fetch_all(executor)
        .await?;
    rows.iter().map(read_packet).collect()
}

/// The packets that were ever handed out, with what was sent, the oldest span first.
pub(crate) async fn list_sent<'c>(
    executor: impl AnyExecutor<'c>,
) -> Result<Vec<PacketSeen>, sqlx::Error> {
    let sql = "SELECT span, state, attempts, next_at, settled_at, records FROM dossier_packet";
    let rows = sqlx::query(sql).fetch_all(executor).await?;
    let read = |row: &AnyRow| -> Result<PacketSeen, sqlx::Error> {
        let (span, state) = read_packet(row)?;
        let settled: Option<i64> = row.try_get("settled_at")?;
        let records = row.try_get("records")?;
        Ok(PacketSeen { span, state, settled_at: settled.map(Timestamp::from_micros), records })
    };
    let mut seen = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    seen.sort_by_key(|packet| packet.span);
    Ok(seen)
}

fn read_packet(row: &AnyRow) -> Result<(Span, State), sqlx::Error> {
    let (span, state): (String, String) = (row.try_get("span")?, row.try_get("state")?);
    let attempts: i64 = row.try_get("attempts")?;
    let state = match state.as_str() {
        "waiting" => State::Waiting {
            attempts: u32::try_from(attempts).map_err(|_| damaged("attempts"))?,
            next_at: Timestamp::from_micros(row.try_get("next_at")?),
        },
        "sent" => State::Sent,
        "refused" => State::Refused,
        "given_up" => State::GivenUp,
        _ => return Err(damaged("state")),
    };
    Ok((Span::parse(&span).ok_or_else(|| damaged("span"))?, state))
}

/// Says where the packet of `span` stands; `records` is what was sent, once it was.
pub(crate) async fn update_packet(
    tx: &mut AnyConnection,
    span: Span,
    state: State,
    at: Timestamp,
    records: Option<&str>,
) -> Result<(), sqlx::Error> {
    let (word, attempts, next_at, settled) = match state {
        State::Waiting { attempts, next_at } => ("waiting", attempts, next_at, None),
        State::Sent => ("sent", 0, at, Some(at)),
        State::Refused => ("refused", 0, at, Some(at)),
        State::GivenUp => ("given_up", 0, at, Some(at)),
    };
    sqlx::query(
        "INSERT INTO dossier_packet (span, state, attempts, next_at, settled_at, records) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (span) DO UPDATE SET \
         state = excluded.state, attempts = excluded.attempts, next_at = excluded.next_at, \
         settled_at = excluded.settled_at, records = excluded.records",
    )
    .bind(span.to_string())
    .bind(word)
    .bind(i64::from(attempts))
    .bind(next_at.micros())
    .bind(settled.map(Timestamp::micros))
    .bind(records)
    .execute(tx)
    .await
    .map(drop)
}

fn damaged(column: &str) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: "is damaged".into() }
}
