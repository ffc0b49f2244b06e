//go:build ignore

// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * The hooks. All are BTF raw tracepoints: no kprobe, no fentry, no tracefs.
 */
#include "stream.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* The records and map values that the Go types are generated from. */
const struct conn_record *unused_conn __attribute__((unused));
const struct io_record *unused_io __attribute__((unused));
const struct close_record *unused_close __attribute__((unused));
const struct retransmit_record *unused_retransmit __attribute__((unused));
const struct proc_record *unused_proc __attribute__((unused));
const enum counter *unused_counter __attribute__((unused));

/*
 * A read that cannot wait begins when it ends, or brings nothing: its beginning
 * need not be known. To look costs less than a clock only where READ does.
 */
static __always_inline bool cannot_wait(struct task_struct *task, enum syscall_class class,
					struct pt_regs *regs)
{
	struct file *file;

	if (!&bpf_rdonly_cast || class > CLASS_RECVMMSG)
		return false;
	file = file_of(task, ARG1(regs));
	return file && (READ(struct file, file, f_flags) & O_NONBLOCK);
}

static __always_inline void enter(struct task_struct *task, struct thread *thread,
				  struct pt_regs *regs, enum syscall_class class)
{
	struct file *file;

	if (cannot_wait(task, class, regs)) {
		thread->enter_ns = 0;
		return;
	}
	thread->enter_ns = bpf_ktime_get_ns();
	if (class != CLASS_WRITE || ARG3(regs) > WAKE_WRITE_MAX || !handoffs_enabled)
		return;
	file = file_of(task, ARG1(regs));
	if (file)
		fd_write(thread, file);
}

static __always_inline void on_enter(struct pt_regs *regs, enum syscall_class class, bool again)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *thread = traced(task);

	if (!thread || is_compat(task) || (again && thread->enter_ns))
		return;
	enter(task, thread, regs, class);
}

/*
 * sys_enter is stable: a tracepoint of the kernel's ABI to tracers since 2.6. It
 * only takes the time, and saves context for wake fds.
 */
SEC("tp_btf/sys_enter")
int BPF_PROG(sys_enter, struct pt_regs *regs, long nr)
{
	enum syscall_class class = classify(nr);

	return class_moves_bytes(class) ? HOOK(on_enter(regs, class, false)) : 0;
}

/* Where AGAIN is needed: what the program above was skipped for. */
SEC("tp_btf/sys_enter")
int BPF_PROG(sys_enter_again, struct pt_regs *regs, long nr)
{
	enum syscall_class class = classify(nr);

	return class_moves_bytes(class) ? HOOK(on_enter(regs, class, true)) : 0;
}

/* Sleeps and turns of an event loop. */
static __always_inline void on_wait(struct thread *thread, enum syscall_class class,
				    struct pt_regs *regs, long ret)
{
	if (ret < 0)
		return;
	if (class == CLASS_EPOLL) {
		thread->tick++;
		thread->waited |= IO_WAITED_EPOLL;
	} else if (class == CLASS_POLL) {
		thread->waited |= IO_WAITED_POLL;
	} else if (class == CLASS_SLEEP) {
		thread->waited |= IO_WAITED_SLEEP;
	} else if (class == CLASS_FUTEX_WAIT || futex_waits(ARG2(regs))) {
		thread->waited |= IO_WAITED_FUTEX;
	}
}

static __always_inline void on_accept(struct task_struct *task, struct thread *thread,
				      struct pt_regs *regs, long fd)
{
	struct file *file = file_of(task, fd);
	struct sock *sk = file ? socket_of(file) : NULL;
	struct thread_point at;

	if (!sk || !is_socket(file) || !is_tcp(sk))
		return;
	point_of(&at, thread, task, regs);
	conn_add(sk, ROLE_SERVER, &at, bpf_ktime_get_ns());
	/* Asked before, a close in between would find no entry and tell nobody. */
	if (is_over(sk))
		conn_delete(sk);
}

/* splice names a socket at either end. */
static __always_inline struct file *splice_file(struct transfer *transfer, struct task_struct *task,
						struct pt_regs *regs)
{
	struct file *file = file_of(task, ARG1(regs));

	transfer->direction = INGRESS;
	if (file && is_socket(file))
		return file;
	transfer->direction = EGRESS;
	return file_of(task, ARG3(regs));
}

static __always_inline void on_io(struct task_struct *task, struct thread *thread,
				  enum syscall_class class, struct pt_regs *regs, long ret)
{
	struct transfer transfer = {};
	struct conn *conn;
	struct file *file;
	struct sock *sk;

	if (!read_transfer(&transfer, class, regs, ret))
		return;
	file = class == CLASS_SPLICE ? splice_file(&transfer, task, regs)
				     : file_of(task, ARG1(regs));
	if (!file)
		return;
	/* What private_data means is only known for sockets; but nothing else is in
	 * the table, so a hit is one. */
	sk = socket_of(file);
	conn = conn_lookup(sk);
	if (conn || (is_socket(file) && is_tcp(sk)))
		on_transfer(sk, conn, &transfer, task, thread, regs);
	else if (transfer.direction == INGRESS && fd_read(thread, file))
		thread->waited |= IO_WAITED_FD;
}

/* Did the first of the two programs see this exit already? */
static __always_inline bool seen(struct thread *thread, bool again)
{
	bool seen = again && thread->exit_seen;

	thread->exit_seen = !again;
	return seen;
}

static __always_inline void on_exit(struct pt_regs *regs, enum syscall_class class, long ret,
				    bool again)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *thread = traced(task);

	if (!thread)
		return;
	if (is_compat(task)) {
		if (!again)
			count(SKIP_COMPAT);
		return;
	}
	if (seen(thread, again))
		return;
	if (class_moves_bytes(class))
		on_io(task, thread, class, regs, ret);
	else if (class != CLASS_ACCEPT)
		on_wait(thread, class, regs, ret);
	else if (ret >= 0)
		on_accept(task, thread, regs, ret);
}

/* Exits that tell nothing: of other system calls, and of failed I/O. */
static __always_inline bool tells_nothing(enum syscall_class class, long ret)
{
	return class == CLASS_NONE || (class_moves_bytes(class) && ret <= 0);
}

/* sys_exit: results are known, the argument registers still hold. */
SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit, struct pt_regs *regs, long ret)
{
	enum syscall_class class = classify(SYSCALL_NR(regs));

	return tells_nothing(class, ret) ? 0 : HOOK(on_exit(regs, class, ret, false));
}

/* Where AGAIN is needed: what the program above was skipped for. */
SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit_again, struct pt_regs *regs, long ret)
{
	enum syscall_class class = classify(SYSCALL_NR(regs));

	return tells_nothing(class, ret) ? 0 : HOOK(on_exit(regs, class, ret, true));
}

/*
 * sched_waking runs on the waker's side, with the wakee's state still asleep. The
 * caller holds the wakee's lock: it cannot be preempted.
 */
SEC("tp_btf/sched_waking")
int BPF_PROG(sched_waking, struct task_struct *wakee)
{
	if (handoffs_enabled)
		on_wake(bpf_get_current_task_btf(), wakee);
	return 0;
}

static __always_inline void report_process(enum proc_change change, __u32 pid, __u32 parent,
					   __u16 port)
{
	struct proc_record record = {
		.type = RECORD_PROC,
		.change = change,
		.port = port,
		.pid = pid,
		.parent = parent,
		.time_ns = bpf_ktime_get_ns(),
	};

	bpf_get_current_comm(record.comm, sizeof(record.comm));
	emit(&record, sizeof(record), COUNT_RECORD_PROC, LOST_RING_PROC, true);
}

static __always_inline void on_fork(struct task_struct *parent, struct task_struct *child)
{
	struct target *target = target_of(parent);
	struct thread *from, *to;

	if (!target)
		return;
	if (child->tgid == child->pid) {
		bpf_task_storage_get(&targets, child, target, BPF_LOCAL_STORAGE_GET_F_CREATE);
		report_process(PROC_FORK, child->pid, parent->tgid, 0);
	}
	from = bpf_task_storage_get(&threads, parent, 0, 0);
	if (!from || !handoffs_enabled)
		return;
	to = thread_of(child);
	if (to)
		on_clone(from, parent->pid, to);
}

/* A fork of a target is a target at once: its first request may come before
 * user space has looked at it. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	return HOOK(on_fork(parent, child));
}

static __always_inline void on_exec(struct task_struct *task)
{
	if (watch_all || target_of(task))
		report_process(PROC_EXEC, task->tgid, 0, 0);
}

/* Any process: the new program may be one that user space wants. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec, struct task_struct *task)
{
	return HOOK(on_exec(task));
}

static __always_inline void on_end(struct task_struct *task)
{
	struct target *target = target_of(task);

	thread_gone(task);
	if (target && group_dead(task))
		report_process(PROC_EXIT, task->tgid, 0, 0);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit, struct task_struct *task)
{
	return HOOK(on_end(task));
}

static __always_inline void on_connect(struct sock *sk)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *thread = traced(task);
	struct thread_point at;

	if (!thread)
		return;
	point_of(&at, thread, task, (struct pt_regs *)bpf_task_pt_regs(task));
	conn_add(sk, ROLE_CLIENT, &at, bpf_ktime_get_ns());
}

static __always_inline void on_close(struct sock *sk, int oldstate)
{
	__u64 key = (__u64)sk;
	struct conn *conn = bpf_map_lookup_elem(&conns, &key);

	if (!conn)
		return;
	/* A connect that failed has had no I/O to announce it. */
	if (oldstate == TCP_SYN_SENT && !conn->announced)
		announce(conn, sk);
	conn_close(sk, conn, oldstate == TCP_SYN_SENT);
}

/*
 * SYN_SENT is set by connect itself, so the current task is the one that connects;
 * the socket is closed when the kernel says so, or when the program has let go of
 * it (both directions shut) and only the farewell is left.
 */
static __always_inline void on_state(struct sock *sk, int oldstate, int newstate)
{
	if (sk->sk_protocol != IPPROTO_TCP)
		return;
	if (newstate == TCP_SYN_SENT)
		on_connect(sk);
	else if (newstate == TCP_LISTEN && watch_all)
		report_process(PROC_LISTEN, bpf_get_current_pid_tgid() >> 32, 0,
			       sk->__sk_common.skc_num);
	else if (newstate == TCP_CLOSE ||
		 ((newstate == TCP_FIN_WAIT1 || newstate == TCP_LAST_ACK) &&
		  (sk->sk_shutdown & SHUTDOWN_MASK) == SHUTDOWN_MASK))
		on_close(sk, oldstate);
}

/* inet_sock_set_state is a tracepoint meant for tracers since 4.16. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state, struct sock *sk, int oldstate, int newstate)
{
	return HOOK(on_state(sk, oldstate, newstate));
}

static __always_inline void on_destroy(struct sock *sk)
{
	on_close(sk, TCP_CLOSE);
	conn_delete(sk);
}

/*
 * tcp_destroy_sock is a tracepoint meant for tracers since 4.16. The descriptor is
 * closed: of the hooks, only that of a system call can still be using the entry that
 * ended just before another thread closed it. This also reports the end where
 * inet_sock_set_state could not: skipped, being under way on that CPU, or too early
 * for a connection that was announced, or found, at that moment.
 */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tcp_destroy_sock, struct sock *sk)
{
	return HOOK(on_destroy(sk));
}

static __always_inline void on_retransmit(struct sock *sk)
{
	struct conn *conn = conn_lookup(sk);
	struct retransmit_record record = {
		.type = RECORD_RETRANSMIT,
		.time_ns = bpf_ktime_get_ns(),
	};

	if (!conn || is_closed(conn))
		return;
	if (!conn->announced)
		announce(conn, sk);
	record.conn = conn->id;
	emit(&record, sizeof(record), COUNT_RECORD_RETRANSMIT, LOST_RING_RETRANSMIT, false);
}

/*
 * tcp_retransmit_skb is a tracepoint meant for tracers since 4.15. What it passes
 * is (sock, skb), and more on some kernels.
 */
SEC("tp_btf/tcp_retransmit_skb")
int tcp_retransmit_skb(__u64 *arguments)
{
	return retransmit_failed(arguments) ? 0 : HOOK(on_retransmit((struct sock *)arguments[0]));
}
