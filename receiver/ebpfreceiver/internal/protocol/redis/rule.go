package redis

// rule says what the arguments of a command are, by their position; the name of
// the command has position 0, its subcommand 1.
type rule struct {
	container   bool  // the command has subcommands
	first, last int8  // keys, channels and other names; last counts from the end if negative
	step        int8  // distance between them
	secret      bool  // arguments behind open are never shown
	open        int64 //
	procedure   bool  // the first argument names a script or function
	class       class
	kind        subscription
}

// isKey reports whether the argument at position i of n is a key.
func (r *rule) isKey(i, n int64) bool {
	first, last := int64(r.first), int64(r.last)
	if last < 0 {
		last += n
	}
	return first > 0 && i >= first && i <= last && (i-first)%int64(r.step) == 0
}

// Positions of keys.
func keys(first, last int8) rule { return rule{first: first, last: last, step: 1} }

// ruleOf returns the rule of a command. Arguments of a command that is not known
// here are not shown, unless its name is that of a module's command ("JSON.GET"),
// whose first argument is a key or an index.
func ruleOf(name []byte) rule {
	switch string(name) {
	case "MGET", "DEL", "UNLINK", "EXISTS", "TOUCH", "WATCH", "SUNION", "SINTER", "SDIFF", "SUNIONSTORE",
		"SINTERSTORE", "SDIFFSTORE", "PFCOUNT", "PFMERGE", "BITOP":
		return keys(1, -1)
	case "MSET", "MSETNX":
		return rule{first: 1, last: -1, step: 2}
	case "RENAME", "RENAMENX", "SMOVE", "COPY", "LMOVE", "BLMOVE", "RPOPLPUSH", "BRPOPLPUSH", "LCS",
		"ZRANGESTORE", "GEOSEARCHSTORE", "ZDIFFSTORE":
		return keys(1, 2)
	case "BLPOP", "BRPOP", "BZPOPMIN", "BZPOPMAX":
		return keys(1, -2)
	case "EVALSHA", "EVALSHA_RO", "FCALL", "FCALL_RO":
		return rule{first: 1, last: 1, step: 1, procedure: true}
	case "ACL", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "DEBUG", "FUNCTION", "LATENCY", "MEMORY", "MODULE",
		"OBJECT", "PUBSUB", "SCRIPT", "SENTINEL", "SLOWLOG", "XGROUP", "XINFO":
		return rule{container: true, secret: true, open: 1}
	case "AUTH":
		return rule{secret: true}
	case "HELLO":
		return rule{first: 1, last: 1, step: 1, secret: true, open: 1}
	case "MIGRATE":
		return rule{secret: true, open: 5}
	case "EXEC":
		return rule{class: transaction}
	case "MONITOR":
		return rule{class: monitor}
	case "RESET":
		return rule{class: reset}
	case "SELECT":
		return rule{first: 1, last: 1, step: 1, class: selection}
	}
	if r := pubsubRule(string(name)); r.class != plain {
		return r
	}
	if isKeyed(string(name)) {
		return keys(1, 1)
	}
	return rule{}
}

// subruleOf returns the rule of a command with its subcommand.
func subruleOf(name []byte) rule {
	switch string(name) {
	case "CONFIG SET":
		return rule{first: 2, last: -1, step: 2, secret: true, open: 1}
	case "CONFIG GET", "CLIENT REPLY", "MEMORY USAGE", "DEBUG OBJECT", "CLUSTER KEYSLOT",
		"OBJECT ENCODING", "OBJECT FREQ", "OBJECT IDLETIME", "OBJECT REFCOUNT",
		"XINFO STREAM", "XINFO GROUPS", "XINFO CONSUMERS",
		"XGROUP CREATE", "XGROUP SETID", "XGROUP DESTROY", "XGROUP CREATECONSUMER", "XGROUP DELCONSUMER":
		return keys(2, 2)
	case "ACL SETUSER", "ACL DRYRUN", "SENTINEL SET", "SENTINEL CONFIG", "MODULE LOADEX":
		return rule{secret: true, open: 2}
	}
	return rule{}
}

// pubsubRule returns the rule of the commands that are answered by confirmations.
func pubsubRule(name string) rule {
	r := keys(1, -1)
	switch name {
	case "SUBSCRIBE":
		r.class, r.kind = subscribe, channels
	case "PSUBSCRIBE":
		r.class, r.kind = subscribe, patterns
	case "SSUBSCRIBE":
		r.class, r.kind = subscribe, shards
	case "UNSUBSCRIBE":
		r.class, r.kind = unsubscribe, channels
	case "PUNSUBSCRIBE":
		r.class, r.kind = unsubscribe, patterns
	case "SUNSUBSCRIBE":
		r.class, r.kind = unsubscribe, shards
	}
	return r
}

// isKeyed reports whether the first argument of the command is a key and the
// only one.
func isKeyed(name string) bool {
	switch name {
	case "GET", "SET", "SETNX", "SETEX", "PSETEX", "GETSET", "GETDEL", "GETEX", "APPEND", "STRLEN", "INCR", "DECR",
		"INCRBY", "DECRBY", "INCRBYFLOAT", "GETRANGE", "SETRANGE", "SUBSTR", "GETBIT", "SETBIT", "BITCOUNT",
		"BITPOS", "BITFIELD", "BITFIELD_RO",
		"EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT", "EXPIRETIME", "PEXPIRETIME", "TTL", "PTTL", "PERSIST",
		"TYPE", "DUMP", "RESTORE", "SORT", "SORT_RO", "MOVE", "PUBLISH", "SPUBLISH",
		"HGET", "HSET", "HSETNX", "HMSET", "HMGET", "HGETALL", "HDEL", "HEXISTS", "HLEN", "HKEYS", "HVALS",
		"HINCRBY", "HINCRBYFLOAT", "HSTRLEN", "HSCAN", "HRANDFIELD", "HEXPIRE", "HPEXPIRE", "HEXPIREAT",
		"HPEXPIREAT", "HTTL", "HPTTL", "HPERSIST", "HGETEX", "HGETDEL", "HSETEX",
		"LPUSH", "RPUSH", "LPUSHX", "RPUSHX", "LPOP", "RPOP", "LLEN", "LINDEX", "LSET", "LRANGE", "LTRIM", "LREM",
		"LINSERT", "LPOS",
		"SADD", "SREM", "SCARD", "SISMEMBER", "SMISMEMBER", "SMEMBERS", "SPOP", "SRANDMEMBER", "SSCAN",
		"ZADD", "ZREM", "ZCARD", "ZCOUNT", "ZSCORE", "ZMSCORE", "ZRANK", "ZREVRANK", "ZRANGE", "ZREVRANGE",
		"ZRANGEBYSCORE", "ZREVRANGEBYSCORE", "ZRANGEBYLEX", "ZREVRANGEBYLEX", "ZLEXCOUNT", "ZINCRBY", "ZPOPMIN",
		"ZPOPMAX", "ZSCAN", "ZREMRANGEBYRANK", "ZREMRANGEBYSCORE", "ZREMRANGEBYLEX", "ZRANDMEMBER",
		"ZUNIONSTORE", "ZINTERSTORE",
		"GEOADD", "GEODIST", "GEOHASH", "GEOPOS", "GEORADIUS", "GEORADIUSBYMEMBER", "GEOSEARCH",
		"PFADD", "XADD", "XLEN", "XRANGE", "XREVRANGE", "XTRIM", "XDEL", "XACK", "XCLAIM", "XAUTOCLAIM", "XPENDING",
		"XSETID":
		return true
	}
	for i := range len(name) {
		if name[i] == '.' {
			return true
		}
	}
	return false
}
