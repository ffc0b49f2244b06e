/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* One system call that moved bytes on a connection becomes one record. */
#ifndef OTELCOL_BPF_STREAM_H
#define OTELCOL_BPF_STREAM_H

#include "handoff.h"

#define VECTORS_MAX 8
#define MESSAGES_MAX 64

/* What a system call moved. */
struct transfer {
	__u64 buffer;	/* user address of the bytes, or of the vectors */
	__u32 vectors;	/* iovecs at buffer; 0: buffer is the bytes */
	__u32 len;	/* bytes moved */
	__u16 flags;	/* IO_NO_PAYLOAD */
	__u8 direction; /* enum io_direction */
	__u8 pad[5];
};

/*
 * A record under construction: header, handoffs, payload. Twice CAPTURE_MAX lets
 * the verifier see that any start within the payload leaves room for any length.
 */
struct io_scratch {
	struct io_record record;
	__u8 body[HANDOFFS_MAX * sizeof(struct handoff) + 2 * CAPTURE_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct io_scratch);
} io_scratch SEC(".maps");

/* Copies up to `want` bytes from user memory to body + at; returns how many. */
static __always_inline __u32 capture_bytes(struct io_scratch *scratch, __u32 at, __u64 from,
					   __u32 want)
{
	__u64 size = AT_MOST(want, CAPTURE_MAX);

	if (at >= HANDOFFS_MAX * sizeof(struct handoff) + CAPTURE_MAX || !want)
		return 0;
	if (bpf_probe_read_user(scratch->body + at, size, (void *)from)) {
		scratch->record.flags |= IO_FAULT;
		return 0;
	}
	return size;
}

/* Global and not inlined, so that the verifier looks at it once. */
__noinline int capture_vectors(struct io_scratch *scratch, __u32 at,
			       const struct transfer *transfer, __u32 want)
{
	__u32 done = 0, i;

	if (!scratch || !transfer)
		return 0;
	for (i = 0; i < VECTORS_MAX && i < transfer->vectors && done < want; i++) {
		struct iovec vector;
		__u32 n = want - done, got;

		if (bpf_probe_read_user(&vector, sizeof(vector),
					(void *)(transfer->buffer + i * sizeof(vector)))) {
			scratch->record.flags |= IO_FAULT;
			return done;
		}
		if (vector.iov_len < n)
			n = vector.iov_len;
		got = capture_bytes(scratch, at + done, vector.iov_base, n);
		done += got;
		if (got < n)
			return done;
	}
	if (done < want && i == VECTORS_MAX)
		scratch->record.flags |= IO_VECTOR_LIMIT;
	return done;
}

/*
 * How much of this segment to capture: what is left of the capture size for its
 * message. A message begins when the direction changes.
 */
static __always_inline __u32 capture_budget(struct conn *conn, const struct transfer *transfer,
					    struct io_record *record)
{
	__u32 left;

	if (conn->direction == NO_DIRECTION)
		record->flags |= IO_FIRST;
	if (conn->direction != transfer->direction) {
		conn->direction = transfer->direction;
		conn->captured = 0;
		record->flags |= IO_HEAD;
	}
	if (transfer->flags & IO_NO_PAYLOAD)
		return 0;
	left = capture_size > conn->captured ? capture_size - conn->captured : 0;
	return left < transfer->len ? left : transfer->len;
}

/* The handoffs that the thread received since its last I/O go with this one. */
static __always_inline __u32 take_handoffs(struct io_scratch *scratch, struct thread *thread)
{
	__u32 n = thread->pending;

	if (n > HANDOFFS_MAX)
		n = HANDOFFS_MAX;
	thread->pending = 0;
	if (n)
		__builtin_memcpy(scratch->body, thread->handoff, sizeof(thread->handoff));
	scratch->record.handoffs = n;
	return n * sizeof(struct handoff);
}

static __always_inline __u8 message_kind(__u8 role, __u8 direction)
{
	if (role == ROLE_SERVER)
		return direction == INGRESS ? MESSAGE_SERVER_READ : MESSAGE_SERVER_WRITE;
	if (role == ROLE_CLIENT)
		return direction == INGRESS ? MESSAGE_CLIENT_READ : MESSAGE_CLIENT_WRITE;
	return MESSAGE_UNKNOWN;
}

/* From now on, what this thread hands on is this message. */
static __always_inline void set_context(struct thread *thread, const struct io_record *record)
{
	thread->last.time_ns = record->exit_ns;
	thread->last.source_tid = record->at.tid;
	thread->last.source_io = record->at.io;
	thread->last.source_kind = message_kind(record->role, record->direction);
}

/*
 * A read that reaches the end of the stream also steps over the FIN, which takes
 * a position of its own.
 */
static __always_inline __u32 read_end(struct sock *sk)
{
	__u32 end = READ(struct tcp_sock, sk, copied_seq);

	if (READ(struct sock, sk, __sk_common.skc_state) == TCP_ESTABLISHED)
		return end; /* no FIN has come */
	if ((READ(struct sock, sk, __sk_common.skc_flags) & (1UL << SOCK_DONE)) &&
	    end == READ(struct tcp_sock, sk, rcv_nxt))
		return end - 1;
	return end;
}

/* TCP position of the first byte: both ends count the same bytes alike. */
static __always_inline __u32 position(struct sock *sk, const struct transfer *transfer)
{
	__u32 end = transfer->direction == EGRESS ? READ(struct tcp_sock, sk, write_seq)
						  : read_end(sk);

	return end - transfer->len;
}

static __always_inline void count_cuts(const struct io_record *record)
{
	if (record->flags & IO_FAULT)
		count(CUT_FAULT);
	if (record->flags & IO_VECTOR_LIMIT)
		count(CUT_VECTORS);
}

static __always_inline void send_io(struct io_scratch *scratch, struct thread *thread,
				    struct conn *conn, const struct transfer *transfer)
{
	struct io_record *record = &scratch->record;
	__u32 want = capture_budget(conn, transfer, record);
	__u32 at = take_handoffs(scratch, thread);

	if (transfer->vectors)
		record->captured = capture_vectors(scratch, at, transfer, want);
	else
		record->captured = capture_bytes(scratch, at, transfer->buffer, want);
	conn->captured += record->captured;
	count_cuts(record);
	at += sizeof(*record) + record->captured;
	if (at > sizeof(*scratch))
		return;
	emit(record, at, COUNT_RECORD_IO, LOST_RING_IO, false);
}

/* `thread`, the current one, moved bytes on `sk`; `conn` if that is known. */
static __always_inline void on_transfer(struct sock *sk, struct conn *conn,
					const struct transfer *transfer, struct task_struct *task,
					struct thread *thread, struct pt_regs *regs)
{
	__u32 zero = 0;
	struct io_scratch *scratch = bpf_map_lookup_elem(&io_scratch, &zero);
	struct io_record *record;

	if (!scratch || (conn ? is_closed(conn) : is_over(sk)))
		return;
	record = &scratch->record;
	record->exit_ns = bpf_ktime_get_ns();
	point_of(&record->at, thread, task, regs);
	if (!conn)
		conn = conn_find(sk, &record->at, record->exit_ns);
	if (!conn)
		return;
	if (!conn->announced)
		announce(conn, sk);
	record->at.io = ++thread->io;
	record->type = RECORD_IO;
	record->direction = transfer->direction;
	record->role = conn->role;
	record->flags = transfer->flags | thread->waited;
	record->conn = conn->id;
	record->enter_ns = thread->enter_ns;
	thread->enter_ns = 0;
	record->seq = position(sk, transfer);
	record->len = transfer->len;
	__builtin_memcpy(record->comm, task->comm, sizeof(record->comm));
	thread->waited = 0;
	/* A Go thread wakes threads, not goroutines: that says nothing. */
	if (!thread->target.goid_offset && handoffs_enabled)
		set_context(thread, record);
	send_io(scratch, thread, conn, transfer);
}

/* ---- system calls to transfers ----------------------------------------- */

static __always_inline bool from_bytes(struct transfer *transfer, struct pt_regs *regs)
{
	transfer->buffer = ARG2(regs);
	return true;
}

static __always_inline bool from_vectors(struct transfer *transfer, __u64 vectors, __u64 n)
{
	transfer->buffer = vectors;
	transfer->vectors = n;
	if (!n)
		transfer->flags |= IO_NO_PAYLOAD;
	return true;
}

/* Flags of recv: some of them move nothing, or not into the buffer. */
static __always_inline bool receives(struct transfer *transfer, __u32 flags)
{
	if (flags & (MSG_PEEK | MSG_ERRQUEUE | MSG_OOB))
		return false;
	if (flags & MSG_TRUNC)
		transfer->flags |= IO_NO_PAYLOAD;
	return true;
}

static __always_inline bool from_message(struct transfer *transfer, __u64 address)
{
	struct user_msghdr message;

	if (bpf_probe_read_user(&message, sizeof(message), (void *)address)) {
		transfer->flags |= IO_NO_PAYLOAD | IO_FAULT;
		return true;
	}
	return from_vectors(transfer, message.msg_iov, message.msg_iovlen);
}

/*
 * sendmmsg and recvmmsg return messages, not bytes. On a stream they are one run
 * of bytes; the payload is that of the first message.
 */
static __always_inline bool from_messages(struct transfer *transfer, __u64 address, __u32 n)
{
	struct mmsghdr message;
	__u32 len = 0, i;

	for (i = 0; i < MESSAGES_MAX && i < n; i++) {
		__u64 at = address + i * sizeof(message);
		__u32 part = 0;

		bpf_probe_read_user(&part, sizeof(part),
				    (void *)(at + __builtin_offsetof(struct mmsghdr, msg_len)));
		len += part;
	}
	transfer->len = len;
	return len && from_message(transfer, address);
}

/*
 * Fills `transfer` from the arguments and the positive result of a system call;
 * false if it moved nothing on a stream.
 */
static __always_inline bool read_transfer(struct transfer *transfer, enum syscall_class class,
					  struct pt_regs *regs, long ret)
{
	transfer->len = ret;
	transfer->direction = class >= CLASS_WRITE ? EGRESS : INGRESS;
	switch (class) {
	case CLASS_RECVFROM:
		return receives(transfer, ARG4(regs)) && from_bytes(transfer, regs);
	case CLASS_READ:
	case CLASS_WRITE:
		return from_bytes(transfer, regs);
	case CLASS_READV:
	case CLASS_WRITEV:
		return from_vectors(transfer, ARG2(regs), ARG3(regs));
	case CLASS_RECVMSG:
		return receives(transfer, ARG3(regs)) && from_message(transfer, ARG2(regs));
	case CLASS_SENDMSG:
		return from_message(transfer, ARG2(regs));
	case CLASS_RECVMMSG:
		return receives(transfer, ARG4(regs)) && from_messages(transfer, ARG2(regs), ret);
	case CLASS_SENDMMSG:
		return from_messages(transfer, ARG2(regs), ret);
	default:
		transfer->flags |= IO_NO_PAYLOAD;
		return true;
	}
}

#endif
