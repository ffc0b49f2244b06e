package sqltext

// keyword is a word that matters to the text or the summary; zero is any other.
type keyword uint8

// Keywords, in the order of their spelling.
const (
	noKeyword keyword = iota
	kwAbort
	kwAggregate
	kwAlter
	kwAnalyze
	kwAs
	kwBegin
	kwCall
	kwCheckpoint
	kwClose
	kwCluster
	kwComment
	kwCommit
	kwConcurrently
	kwCopy
	kwCreate
	kwDatabase
	kwDeallocate
	kwDeclare
	kwDelayed
	kwDelete
	kwDescribe
	kwDiscard
	kwDistinct
	kwDo
	kwDomain
	kwDrop
	kwEnd
	kwExcept
	kwExecute
	kwExists
	kwExplain
	kwExtension
	kwFalse
	kwFetch
	kwFlush
	kwFor
	kwForeign
	kwFreeze
	kwFrom
	kwFull
	kwFunction
	kwGlobal
	kwGrant
	kwGroup
	kwHandler
	kwHaving
	kwHighPriority
	kwIf
	kwIgnore
	kwIn
	kwIndex
	kwInsert
	kwIntersect
	kwInto
	kwIs
	kwJoin
	kwKill
	kwLateral
	kwLimit
	kwListen
	kwLoad
	kwLocal
	kwLock
	kwLowPriority
	kwMaterialized
	kwMerge
	kwMove
	kwNot
	kwNotify
	kwOn
	kwOnly
	kwOptimize
	kwOr
	kwOrder
	kwPolicy
	kwPrepare
	kwProcedure
	kwPublication
	kwQuick
	kwReassign
	kwRecursive
	kwRefresh
	kwReindex
	kwRelease
	kwRepair
	kwReplace
	kwReset
	kwReturning
	kwRevoke
	kwRole
	kwRollback
	kwRows
	kwRule
	kwSavepoint
	kwSchema
	kwSelect
	kwSequence
	kwSet
	kwShow
	kwStart
	kwStartReplication
	kwStraightJoin
	kwSubscription
	kwTable
	kwTemp
	kwTemporary
	kwTransaction
	kwTrigger
	kwTrue
	kwTruncate
	kwType
	kwUnion
	kwUnique
	kwUnlisten
	kwUnlogged
	kwUpdate
	kwUse
	kwUser
	kwUsing
	kwVacuum
	kwValues
	kwVerbose
	kwView
	kwWhere
	kwWith
)

// longestKeyword is the length of the longest one.
const longestKeyword = 17

// lookup returns the keyword that the word spells, in any case.
func lookup(text []byte) keyword {
	if len(text) < 2 || len(text) > longestKeyword {
		return noKeyword
	}
	var buf [longestKeyword]byte
	for i, c := range text {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		buf[i] = c
	}
	upper := string(buf[:len(text)])
	low, high := 1, len(keywordNames)-1
	for low <= high {
		mid := (low + high) / 2
		name := keywordNames[mid]
		switch {
		case name[0] < buf[0] || name[0] == buf[0] && name < upper:
			low = mid + 1
		case name[0] > buf[0] || name != upper:
			high = mid - 1
		default:
			return keyword(mid)
		}
	}
	return noKeyword
}

// keywordNames is the table behind lookup; it is never written.
var keywordNames = [...]string{
	noKeyword:          "",
	kwAbort:            "ABORT",
	kwAggregate:        "AGGREGATE",
	kwAlter:            "ALTER",
	kwAnalyze:          "ANALYZE",
	kwAs:               "AS",
	kwBegin:            "BEGIN",
	kwCall:             "CALL",
	kwCheckpoint:       "CHECKPOINT",
	kwClose:            "CLOSE",
	kwCluster:          "CLUSTER",
	kwComment:          "COMMENT",
	kwCommit:           "COMMIT",
	kwConcurrently:     "CONCURRENTLY",
	kwCopy:             "COPY",
	kwCreate:           "CREATE",
	kwDatabase:         "DATABASE",
	kwDeallocate:       "DEALLOCATE",
	kwDeclare:          "DECLARE",
	kwDelayed:          "DELAYED",
	kwDelete:           "DELETE",
	kwDescribe:         "DESCRIBE",
	kwDiscard:          "DISCARD",
	kwDistinct:         "DISTINCT",
	kwDo:               "DO",
	kwDomain:           "DOMAIN",
	kwDrop:             "DROP",
	kwEnd:              "END",
	kwExcept:           "EXCEPT",
	kwExecute:          "EXECUTE",
	kwExists:           "EXISTS",
	kwExplain:          "EXPLAIN",
	kwExtension:        "EXTENSION",
	kwFalse:            "FALSE",
	kwFetch:            "FETCH",
	kwFlush:            "FLUSH",
	kwFor:              "FOR",
	kwForeign:          "FOREIGN",
	kwFreeze:           "FREEZE",
	kwFrom:             "FROM",
	kwFull:             "FULL",
	kwFunction:         "FUNCTION",
	kwGlobal:           "GLOBAL",
	kwGrant:            "GRANT",
	kwGroup:            "GROUP",
	kwHandler:          "HANDLER",
	kwHaving:           "HAVING",
	kwHighPriority:     "HIGH_PRIORITY",
	kwIf:               "IF",
	kwIgnore:           "IGNORE",
	kwIn:               "IN",
	kwIndex:            "INDEX",
	kwInsert:           "INSERT",
	kwIntersect:        "INTERSECT",
	kwInto:             "INTO",
	kwIs:               "IS",
	kwJoin:             "JOIN",
	kwKill:             "KILL",
	kwLateral:          "LATERAL",
	kwLimit:            "LIMIT",
	kwListen:           "LISTEN",
	kwLoad:             "LOAD",
	kwLocal:            "LOCAL",
	kwLock:             "LOCK",
	kwLowPriority:      "LOW_PRIORITY",
	kwMaterialized:     "MATERIALIZED",
	kwMerge:            "MERGE",
	kwMove:             "MOVE",
	kwNot:              "NOT",
	kwNotify:           "NOTIFY",
	kwOn:               "ON",
	kwOnly:             "ONLY",
	kwOptimize:         "OPTIMIZE",
	kwOr:               "OR",
	kwOrder:            "ORDER",
	kwPolicy:           "POLICY",
	kwPrepare:          "PREPARE",
	kwProcedure:        "PROCEDURE",
	kwPublication:      "PUBLICATION",
	kwQuick:            "QUICK",
	kwReassign:         "REASSIGN",
	kwRecursive:        "RECURSIVE",
	kwRefresh:          "REFRESH",
	kwReindex:          "REINDEX",
	kwRelease:          "RELEASE",
	kwRepair:           "REPAIR",
	kwReplace:          "REPLACE",
	kwReset:            "RESET",
	kwReturning:        "RETURNING",
	kwRevoke:           "REVOKE",
	kwRole:             "ROLE",
	kwRollback:         "ROLLBACK",
	kwRows:             "ROWS",
	kwRule:             "RULE",
	kwSavepoint:        "SAVEPOINT",
	kwSchema:           "SCHEMA",
	kwSelect:           "SELECT",
	kwSequence:         "SEQUENCE",
	kwSet:              "SET",
	kwShow:             "SHOW",
	kwStart:            "START",
	kwStartReplication: "START_REPLICATION",
	kwStraightJoin:     "STRAIGHT_JOIN",
	kwSubscription:     "SUBSCRIPTION",
	kwTable:            "TABLE",
	kwTemp:             "TEMP",
	kwTemporary:        "TEMPORARY",
	kwTransaction:      "TRANSACTION",
	kwTrigger:          "TRIGGER",
	kwTrue:             "TRUE",
	kwTruncate:         "TRUNCATE",
	kwType:             "TYPE",
	kwUnion:            "UNION",
	kwUnique:           "UNIQUE",
	kwUnlisten:         "UNLISTEN",
	kwUnlogged:         "UNLOGGED",
	kwUpdate:           "UPDATE",
	kwUse:              "USE",
	kwUser:             "USER",
	kwUsing:            "USING",
	kwVacuum:           "VACUUM",
	kwValues:           "VALUES",
	kwVerbose:          "VERBOSE",
	kwView:             "VIEW",
	kwWhere:            "WHERE",
	kwWith:             "WITH",
}
