package sqltext

// isQuery reports whether the word begins an operation on rows, which may also
// stand inside another statement.
func isQuery(kw keyword) bool {
	switch kw {
	case kwSelect, kwInsert, kwUpdate, kwDelete, kwMerge:
		return true
	default:
		return false
	}
}

// isCommand reports whether the word begins a statement.
func isCommand(kw keyword) bool {
	switch kw {
	case kwAbort, kwAlter, kwAnalyze, kwBegin, kwCall, kwCheckpoint, kwClose, kwCluster, kwComment, kwCommit,
		kwCopy, kwCreate, kwDeallocate, kwDeclare, kwDescribe, kwDiscard, kwDo, kwDrop, kwEnd, kwExecute,
		kwExplain, kwFetch, kwFlush, kwGrant, kwHandler, kwKill, kwListen, kwLoad, kwLock, kwMove, kwNotify,
		kwOptimize, kwPrepare, kwReassign, kwRefresh, kwReindex, kwRelease, kwRepair, kwReplace, kwReset,
		kwRevoke, kwRollback, kwSavepoint, kwSet, kwShow, kwStart, kwStartReplication, kwTable, kwTruncate, kwUnlisten, kwUse, kwVacuum,
		kwValues:
		return true
	default:
		return false
	}
}

// isFiller reports whether the word may stand between an operation and its
// target.
func isFiller(kw keyword) bool {
	switch kw {
	case kwAnalyze, kwConcurrently, kwDelayed, kwExists, kwFreeze, kwFull, kwHighPriority, kwIf, kwIgnore,
		kwInto, kwLateral, kwLowPriority, kwNot, kwOn, kwOnly, kwQuick, kwRows, kwTable, kwVerbose:
		return true
	default:
		return false
	}
}
