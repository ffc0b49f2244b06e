/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * From file descriptor to TCP socket, and the table of connections. An entry is
 * made by accept, by connect, or by the first I/O on a connection that existed
 * before. It stays when the connection closes and goes with the socket: a hook on
 * another CPU may still be using it, and the map gives memory that was freed to the
 * next connection at once.
 */
#ifndef OTELCOL_BPF_SOCKET_H
#define OTELCOL_BPF_SOCKET_H

#include "task.h"

#define NO_DIRECTION 2

struct conn {
	__u64 id;
	__u64 time_ns;
	struct thread_point at;
	/* Tells this socket from a later one at the same address. */
	__u32 ports;
	__u32 captured; /* payload bytes of the current message */
	__u8 role;
	__u8 direction; /* of the last I/O, or NO_DIRECTION */
	__u8 announced; /* the conn record reached the ring buffer */
	__u8 found;	/* it existed before */
	__u8 ended;	/* the close record was sent */
	__u8 pad[3];
	/* Once it has a type, what is moved counts as failed I/O. */
	struct close_record close;
};

/* Keyed by the address of struct sock. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct conn);
} conns SEC(".maps");

__u64 conn_ids;

/* The file behind slot `fd`. Some struct must lend its type to a pointer alone. */
static __always_inline struct file *file_of(struct task_struct *task, __u32 fd)
{
	struct fdtable *fdt = task->files->fdt;
	void *slot = (void *)fdt->fd + fd * sizeof(struct file *);

	if (fd >= fdt->max_fds)
		return NULL;
	return READ(struct kiocb, slot - bpf_core_field_offset(struct kiocb, ki_filp), ki_filp);
}

static __always_inline unsigned short mode_of(struct file *file)
{
	return READ(struct inode, READ(struct file, file, f_inode), i_mode) & S_IFMT;
}

static __always_inline bool is_socket(struct file *file)
{
	return mode_of(file) == S_IFSOCK;
}

/* The sock behind a file, if it is a socket; else anything. */
static __always_inline struct sock *socket_of(struct file *file)
{
	return READ(struct socket, READ(struct file, file, private_data), sk);
}

static __always_inline bool is_tcp(struct sock *sk)
{
	unsigned short family = READ(struct sock, sk, __sk_common.skc_family);

	return (family == AF_INET || family == AF_INET6) &&
	       READ(struct sock, sk, sk_protocol) == IPPROTO_TCP;
}

static __always_inline __u32 ports_of(struct sock *sk)
{
	return READ(struct sock, sk, __sk_common.skc_portpair);
}

/* In host order; the lower half is the remote one, as on the wire. */
static __always_inline __u16 local_port(__u32 ports)
{
	return ports >> 16;
}

/*
 * Is the connection over? The socket may still be in use: a reset can come while
 * a system call writes (on the loopback its own write brings it), before accept
 * returns, or before the last bytes are read. Such a connection needs no entry any
 * more: what is moved on it counts as failed I/O. The local port goes some time
 * before the kernel says that the connection closes.
 */
static __always_inline bool is_over(struct sock *sk)
{
	return READ(struct sock, sk, __sk_common.skc_state) == TCP_CLOSE ||
	       !local_port(ports_of(sk));
}

static __always_inline struct conn *conn_add(struct sock *sk, __u8 role,
					     const struct thread_point *at, __u64 time_ns)
{
	struct conn conn = {
		.id = __sync_fetch_and_add(&conn_ids, 1) + 1,
		.time_ns = time_ns,
		.at = *at,
		.ports = ports_of(sk),
		.role = role,
		.direction = NO_DIRECTION,
	};
	__u64 key = (__u64)sk;

	if (bpf_map_update_elem(&conns, &key, &conn, BPF_ANY)) {
		count(LOST_CONN_TABLE);
		return NULL;
	}
	return bpf_map_lookup_elem(&conns, &key);
}

static __always_inline void conn_delete(struct sock *sk)
{
	__u64 key = (__u64)sk;

	bpf_map_delete_elem(&conns, &key);
}

/*
 * Who opened a connection that existed before. An accepted socket is a copy of its
 * listener, the length of the queue included; one that never listened has none. And
 * if fastreuse of its port is below zero, connect chose that port, not bind. What is
 * left is a listener without a queue, or a client that was bound: unknown.
 */
static __always_inline __u8 role_of(struct sock *sk)
{
	struct inet_bind_bucket *port;

	if (READ(struct sock, sk, sk_max_ack_backlog))
		return ROLE_SERVER;
	port = READ(struct inet_connection_sock, sk, icsk_bind_hash);
	if (port && READ(struct inet_bind_bucket, port, fastreuse) < 0)
		return ROLE_CLIENT;
	return ROLE_UNKNOWN;
}

static __always_inline struct conn *conn_find(struct sock *sk, const struct thread_point *at,
					      __u64 time_ns)
{
	struct conn *conn = conn_add(sk, role_of(sk), at, time_ns);

	if (conn)
		conn->found = true;
	return conn;
}

/* Do both belong to one socket? Now it may be about to close, see is_over. */
static __always_inline bool same_ports(__u32 then, __u32 now)
{
	return then == now || now == (then & 0xffff);
}

/*
 * The entry of a socket that `task` uses. The address alone does not name the
 * connection: after a lost end another socket may live there, with other
 * ports. (A connecting socket gets its source port after the entry was made.)
 */
static __always_inline struct conn *conn_lookup(struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct conn *conn = bpf_map_lookup_elem(&conns, &key);
	__u32 ports;

	if (!conn)
		return NULL;
	ports = ports_of(sk);
	if (same_ports(conn->ports, ports))
		return conn;
	if (conn->direction == NO_DIRECTION && conn->role == ROLE_CLIENT) {
		conn->ports = ports;
		return conn;
	}
	count(SKIP_STALE_CONN);
	conn_delete(sk);
	return NULL;
}

static __always_inline void map_v4(__u8 *addr, __be32 v4)
{
	addr[10] = 0xff;
	addr[11] = 0xff;
	__builtin_memcpy(addr + 12, &v4, 4);
}

static __always_inline void read_addresses(struct conn_record *record, struct sock *sk)
{
	record->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	record->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	if (record->family == AF_INET) {
		map_v4(record->local_addr, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		map_v4(record->remote_addr, BPF_CORE_READ(sk, __sk_common.skc_daddr));
		return;
	}
	BPF_CORE_READ_INTO(&record->local_addr, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
	BPF_CORE_READ_INTO(&record->remote_addr, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
}

/* Sends the conn record, once; again at the next I/O if it was lost. */
static __always_inline void announce(struct conn *conn, struct sock *sk)
{
	struct conn_record record = {
		.type = RECORD_CONN,
		.role = conn->role,
		.found = conn->found,
		.conn = conn->id,
		.time_ns = conn->time_ns,
		.at = conn->at,
		.local_port = local_port(conn->ports),
		.remote_port = __builtin_bswap16(conn->ports & 0xffff),
	};

	read_addresses(&record, sk);
	conn->announced = emit(&record, sizeof(record), COUNT_RECORD_CONN, LOST_RING_CONN, false);
}

static __always_inline bool is_closed(const struct conn *conn)
{
	return conn->close.type == RECORD_CLOSE;
}

/*
 * The connection closes, or is destroyed. A system call that is under way may
 * announce a connection that has closed meanwhile: then only the latter can say so.
 */
static __always_inline void conn_close(struct sock *sk, struct conn *conn, bool connecting)
{
	if (!is_closed(conn)) {
		conn->close.conn = conn->id;
		conn->close.connecting = connecting;
		conn->close.error = BPF_CORE_READ(sk, sk_err);
		conn->close.time_ns = bpf_ktime_get_ns();
		conn->close.type = RECORD_CLOSE;
	}
	if (!conn->announced || conn->ended)
		return;
	conn->ended = true;
	emit(&conn->close, sizeof(conn->close), COUNT_RECORD_CLOSE, LOST_RING_CLOSE, false);
}

#endif
