/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Everything that crosses from the BPF programs to user space: ring-buffer
 * records, the values of maps that user space writes, and the ids of the
 * counters. The Go types in this package are generated from this file
 * (`make generate`); nothing here is mirrored by hand.
 *
 * Times are CLOCK_MONOTONIC nanoseconds (bpf_ktime_get_ns). Ports are in host
 * order. Addresses are 16 bytes, IPv4 mapped into ::ffff:0:0/96. TCP positions
 * are the 32-bit sequence numbers of the wire and wrap.
 */
#ifndef OTELCOL_BPF_ABI_H
#define OTELCOL_BPF_ABI_H

/* ---- ring-buffer records --------------------------------------------- */

/* First byte of every record. */
enum record_type {
	RECORD_CONN = 1,       /* a connection, before its first data */
	RECORD_IO = 2,	       /* bytes moved by one system call */
	RECORD_CLOSE = 3,      /* the connection is gone */
	RECORD_PROC = 4,       /* a process changed */
	RECORD_RETRANSMIT = 5, /* a segment of a connection was sent again */
};

/* Who opened the connection, as far as the kernel side can tell. */
enum conn_role {
	ROLE_UNKNOWN = 0, /* nothing says so */
	ROLE_SERVER = 1,  /* accepted here */
	ROLE_CLIENT = 2,  /* connected here */
};

enum io_direction {
	INGRESS = 0, /* read by the process */
	EGRESS = 1,  /* written by the process */
};

/*
 * Flags of an I/O record. WAITED_* say what the thread slept on since its
 * previous I/O on any connection.
 */
enum io_flags {
	IO_HEAD = 1 << 0,	  /* first segment after a change of direction */
	IO_FIRST = 1 << 1,	  /* first I/O on this connection since it opened */
	IO_NO_PAYLOAD = 1 << 2,	  /* sendfile, splice, MSG_TRUNC: only a length */
	IO_FAULT = 1 << 3,	  /* user memory was not resident: payload cut */
	IO_VECTOR_LIMIT = 1 << 4, /* more buffers than captured: payload cut */
	IO_WAITED_FUTEX = 1 << 8,
	IO_WAITED_POLL = 1 << 9,   /* poll, select */
	IO_WAITED_EPOLL = 1 << 10, /* epoll_wait, io_uring_enter: a new tick */
	IO_WAITED_SLEEP = 1 << 11, /* nanosleep and friends */
	IO_WAITED_FD = 1 << 12,	   /* read of an eventfd, pipe or socketpair */
};

/* What kind of message a thread last moved: conn_role x io_direction. */
enum message_kind {
	MESSAGE_NONE = 0,
	MESSAGE_SERVER_READ = 1,  /* request came in */
	MESSAGE_SERVER_WRITE = 2, /* reply went out */
	MESSAGE_CLIENT_WRITE = 3, /* call went out */
	MESSAGE_CLIENT_READ = 4,  /* reply of a call came in */
	MESSAGE_UNKNOWN = 5,	  /* role unknown */
};

enum handoff_edge {
	EDGE_FUTEX = 1,	  /* waker in FUTEX_WAKE on the word the wakee waits on */
	EDGE_FD = 2,	  /* write to an eventfd, pipe or socketpair, wakee waits */
	EDGE_FD_READ = 3, /* the same, coalesced: found by the read of that fd */
	EDGE_CLONE = 4,	  /* the thread or process was created */
	EDGE_EXIT = 5,	  /* the waker exited and the wakee joins it */
};

/*
 * One handoff: thread `waker_tid` gave something to the thread whose record
 * carries this. What it gave is named by the message that the chain of wakes
 * began with: the `source_io`-th I/O of thread `source_tid`.
 */
struct handoff {
	__u64 time_ns; /* of the (last) wake, clone or write */
	__u64 address; /* futex word (user address), or identity of the fd's file */
	__u32 source_tid;
	__u32 source_io;
	__u32 waker_tid;
	__u8 source_kind; /* enum message_kind */
	__u8 edge;	  /* enum handoff_edge of the last hop */
	__u8 hops;	  /* threads in between; 0: waker_tid == source_tid */
	__u8 pad;
};

/* Where in a thread's life something happened. */
struct thread_point {
	__u32 pid; /* tgid */
	__u32 tid;
	__u32 io;	   /* ordinal of this I/O on this thread, from 1 */
	__u32 tick;	   /* returns from epoll_wait on this thread so far */
	__u64 goid;	   /* Go: goroutine id, else 0 */
	__u64 goid_parent; /* Go: id of the goroutine that created it, else 0 */
};

#define HANDOFFS_MAX 8
#define COMM_LEN 16
#define CAPTURE_MAX 8192 /* most payload bytes of one record */

/*
 * A connection, sent once before its first I/O. For ROLE_CLIENT `at` and
 * `time_ns` tell who called connect and when; for ROLE_SERVER, accept; for
 * one that was found, the first I/O. These are no I/O of their own: at.io is the
 * ordinal of the I/O that the thread had made before.
 */
struct conn_record {
	__u8 type;   /* RECORD_CONN */
	__u8 role;   /* enum conn_role */
	__u8 family; /* AF_INET, AF_INET6 */
	__u8 found;  /* existed before tracing began */
	__u8 pad[4];
	__u64 conn; /* identity: never used twice while the programs are loaded */
	__u64 time_ns;
	struct thread_point at;
	__u8 local_addr[16];
	__u8 remote_addr[16];
	__u16 local_port;
	__u16 remote_port;
	__u32 netns; /* inode number of the network namespace */
};

/*
 * Bytes moved by one system call. Followed by `handoffs` x struct handoff, then
 * by `captured` bytes of payload from the start of the segment.
 * A continuation whose message head is already captured has captured == 0.
 */
struct io_record {
	__u8 type;	/* RECORD_IO */
	__u8 direction; /* enum io_direction */
	__u8 role;	/* enum conn_role, as known by now */
	__u8 handoffs;
	__u16 flags; /* enum io_flags */
	__u16 captured;
	__u64 conn;
	__u64 enter_ns;
	__u64 exit_ns;
	__u32 seq; /* TCP position of the first byte */
	__u32 len; /* bytes moved */
	struct thread_point at;
	__u8 comm[COMM_LEN];
};

struct close_record {
	__u8 type;	 /* RECORD_CLOSE */
	__u8 connecting; /* connect had not succeeded */
	__u8 pad[2];
	__u32 error; /* errno of the socket (ECONNREFUSED, ECONNRESET ...), else 0 */
	__u64 conn;
	__u64 time_ns;
};

/*
 * This host sent a segment again: of the handshake, or of data that was not
 * acknowledged in time.
 */
struct retransmit_record {
	__u8 type; /* RECORD_RETRANSMIT */
	__u8 pad[7];
	__u64 conn;
	__u64 time_ns;
};

enum proc_change {
	PROC_FORK = 1,	 /* pid is a new process that inherits being a target */
	PROC_EXEC = 2,	 /* pid runs another program (any process) */
	PROC_EXIT = 3,	 /* the last thread of target pid is gone */
	PROC_LISTEN = 4, /* pid listens on `port` (any process) */
};

struct proc_record {
	__u8 type;   /* RECORD_PROC */
	__u8 change; /* enum proc_change */
	__u16 port;
	__u32 pid;
	__u32 parent;
	__u32 pad;
	__u64 time_ns;
	__u8 comm[COMM_LEN];
};

/* ---- maps that user space writes -------------------------------------- */

/*
 * What user space says of a target process. Written through its pidfd into
 * task storage; a fork inherits it.
 */
struct target {
	__u32 enabled;		  /* 0: known and not traced */
	__u32 goid_offset;	  /* offset of runtime.g.goid; 0: not Go */
	__u32 goid_parent_offset; /* of runtime.g.parentGoid; 0: not there */
	__u32 pad;
};

/* ---- counters --------------------------------------------------------- */

/*
 * One per kind of event and one per cause of a loss. User space sums the CPUs
 * and publishes each (metadata.yaml of the receiver).
 */
enum counter {
	COUNT_RECORD_CONN, /* records that reached the ring buffer */
	COUNT_RECORD_IO,
	COUNT_RECORD_CLOSE,
	COUNT_RECORD_PROC,
	COUNT_RECORD_RETRANSMIT,
	COUNT_RECORD_BYTES,
	LOST_RING_CONN, /* the ring buffer was full */
	LOST_RING_IO,
	LOST_RING_CLOSE,
	LOST_RING_PROC,
	LOST_RING_RETRANSMIT,
	LOST_CONN_TABLE,   /* the connection table was full: I/O not seen */
	LOST_THREAD_LIMIT, /* max_threads reached: I/O not seen */
	LOST_STORAGE,	   /* task storage could not be allocated */
	LOST_FD_TABLE,	   /* no place to keep a writer's context for a wake fd */
	CUT_FAULT,	   /* payload not resident */
	CUT_VECTORS,	   /* more buffers than captured */
	CUT_HANDOFFS,	   /* older handoffs of a thread were replaced */
	SKIP_COMPAT,	   /* 32-bit system calls of a target: not seen */
	SKIP_STALE_CONN,   /* a table entry belonged to an earlier socket */
	COUNTERS
};

#endif
