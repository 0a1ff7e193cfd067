//! QCVN 120, statistics: figures of any period on demand.
