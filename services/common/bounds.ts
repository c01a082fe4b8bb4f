/** Every bound of ours: name with unit, value, reason. What an administrator may set is a limit and lives elsewhere. */

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** Operations in one Batch: one event-loop turn of a busy router; more only delays the first. */
export const BATCH_OPERATIONS_MAX = 256;
/** As many leave before the turn is over: where hundreds are in flight the other side works meanwhile, and not in turns with us. */
export const BATCH_OPERATIONS_READY = 64;
/** Bytes in one Batch or BatchReply, below the 4 MiB that gRPC takes by default. */
export const BATCH_BYTES_MAX = 1 * MIB;
/** An answer above this leaves the shared stream, so that it never stands in front of small ones. */
export const STREAM_ANSWER_BYTES_MAX = 256 * KIB;
/** One chunk of an Export. */
export const EXPORT_CHUNK_BYTES = 64 * KIB;
/** Records of an import that travel together: a commit each, and a few of them wait in each tier. */
export const IMPORT_PIECE_BYTES = 128 * KIB;
/** One record of an import: the largest text or document that anyone puts into a column. */
export const IMPORT_RECORD_BYTES_MAX = 16 * MIB;
/** How long a Parked answer waits to be fetched. */
export const PARKED_LIFETIME_MS = 30_000;
/** Operations a router keeps in flight on one connector stream. */
export const STREAM_IN_FLIGHT_MAX = 4096;
/** One gRPC message between our own tiers: a body at its limit plus its envelope. */
export const GRPC_MESSAGE_BYTES_MAX = 64 * MIB;
/** Records of one operation: leaves room in that message for everything else. */
export const OPERATION_BYTES_MAX = GRPC_MESSAGE_BYTES_MAX - 4 * MIB;
/** Nesting of a filter: deeper than anyone writes, shallow enough for any stack. */
export const FILTER_DEPTH_MAX = 100;
/** Lookups in the values of one request: each is looked for among all that are defined, and may stand for a long text. */
export const LOOKUPS_MAX = 1000;
/** Characters of a filter. */
export const FILTER_LENGTH_MAX = 64 * KIB;
/** Comparisons in one filter. */
export const FILTER_NODES_MAX = 2000;
/** Relations of relations that one request may follow. */
export const RELATED_DEPTH_MAX = 10;
/** Conditions on related documents in one filter of a store that does not join: each is a query of its own. */
export const JOINS_MAX = 20;
/** Identifiers in one request. */
export const KEYS_MAX = 10_000;
/** Records in one request. */
export const RECORDS_MAX = 100_000;
/** Time given to an operation that came without a deadline. */
export const OPERATION_TIMEOUT_MS = 30_000;
/** Plans a connector keeps for one service. */
export const PLANS_MAX = 2000;
/** How often deadlines are looked at: an answer may be this much late, and no request pays for a timer of its own. */
export const SWEEP_INTERVAL_MS = 50;
/** Scripts that call each other through the API: one more is a loop. */
export const SCRIPT_DEPTH_MAX = 5;
/** Answers of script services that one router keeps. */
export const SCRIPT_ANSWERS_KEPT_BYTES_MAX = 32 * MIB;
/** Outcomes of pure scripts that one router remembers: memory that they fill one after the other. */
export const SCRIPT_OUTCOMES_BYTES_MAX = 128 * MIB;
/** Bytes of an answer that scripts look at. */
export const SCRIPT_ANSWER_BYTES_MAX = 10 * 1024 * 1024;
/** Password checks at once: each costs 20 MB and some 20 ms of a core. */
export const PASSWORD_CHECKS_MAX = 64;
/** Characters of a password: longer than any phrase, short enough to hash. */
export const PASSWORD_LENGTH_MAX = 1024;
/** Accounts and addresses whose failed sign-ins are remembered. */
export const THROTTLED_MAX = 50_000;
/** Addresses in one field of an e-mail: more is a mailing list, which mail servers refuse. */
export const EMAIL_RECIPIENTS_MAX = 1000;
/** Characters of the text of an e-mail, with all that it names filled in. */
export const EMAIL_TEXT_LENGTH_MAX = 8 * MIB;
/** From the first word to a mail server to its last: what waits for it shall still be answered. */
export const EMAIL_TIMEOUT_MS = 20_000;
/** Characters of an Idempotency-Key: a UUID has 36. */
export const IDEMPOTENCY_KEY_LENGTH_MAX = 255;
/** How long the answer to a write with an Idempotency-Key is kept. */
export const KEPT_ANSWER_MS = 24 * 3_600_000;
/** An answer above this is not kept: how its write ended is then not known. */
export const KEPT_ANSWER_BYTES_MAX = 32 * MIB;
/** Nesting of a JSON body: deeper than any record, shallow enough for a recursive reader. */
export const JSON_DEPTH_MAX = 200;
/** Nesting of an XML body or of the brackets of a form field, for the same reason. */
export const MARKUP_DEPTH_MAX = 64;
/** Characters of a method: the longest registered one has 17. */
export const METHOD_LENGTH_MAX = 32;
/** Request line and headers: a filter at its usual length and a few tokens. */
export const HEAD_BYTES_MAX = 16 * KIB;
/** Headers of one request: a browser behind three proxies sends thirty. */
export const HEAD_FIELDS_MAX = 100;
/** Bytes of the next requests that wait in our memory for the answer before theirs; more stay with the kernel. */
export const PIPELINED_BYTES_MAX = 64 * KIB;
/** What is taken from a connection at one time. */
export const READ_BUFFER_BYTES = 256 * KIB;
/** From the first byte of a request, or the beginning of its connection, to the end of the headers. */
export const HEAD_TIMEOUT_MS = 10_000;
/** A connection between two requests: longer than the minute for which balancers keep theirs. */
export const IDLE_TIMEOUT_MS = 75_000;
/** A client that takes no piece of its answer for so long has gone without a word. */
export const ANSWER_TIMEOUT_MS = 60_000;
/** From our end of a connection to the client's: time for it to read the answer that stands before that end. */
export const LINGER_MS = 1000;
/** From the end of the headers to the end of the body. */
export const BODY_TIMEOUT_MS = 30_000;
/** An answer above this is written piece by piece as the socket takes it, so that it is not copied in whole. */
export const ANSWER_BUFFERED_BYTES_MAX = 64 * KIB;
/** Counters of limits that are known at one moment: one for each user of a large installation, and some. */
export const COUNTERS_MAX = 200_000;
/** How often routers tell each other what they counted: within it a limit may be passed by what another router let through. */
export const COUNTS_INTERVAL_MS = 100;
/** How often the system service looks whether another process changed something: half of what "within a second" allows. */
export const SNAPSHOT_POLL_MS = 500;
/** What a sender may have under way on one HTTP/2 connection between tiers. */
export const FLOW_CONTROL_WINDOW_BYTES = 4 * MIB;
/** After so long without a word the other side of a connection between tiers is asked whether it is there. */
export const KEEPALIVE_INTERVAL_MS = 5_000;
/** Time to say so: no turn of a tier's event loop takes as long, and a machine that lost its power never does. */
export const KEEPALIVE_TIMEOUT_MS = 5_000;
/** API documents that one router keeps. */
export const DOCUMENTS_BYTES_MAX = 32 * MIB;
/** How long one is kept: a table that was made meanwhile may be missing from it for so long. */
export const DOCUMENT_KEPT_MS = 30_000;
/** Tables that one document describes: with more, nobody reads it and every tool chokes on it. */
export const DOCUMENT_TABLES_MAX = 1000;
/** For asking a connector what a service has, where the document can be made without its answer. */
export const DOCUMENT_PROBE_MS = 2_000;
/** A package of system records, unpacked: all that the largest installation has, and no bomb. */
export const PACKAGE_BYTES_MAX = 32 * MIB;
/** Files in a package: one for each kind of record, and its manifest. */
export const PACKAGE_FILES_MAX = 64;
/** What a job has to do: an event with the bodies that it speaks of, and less than any database takes in one statement. */
export const JOB_WORK_BYTES_MAX = 4 * MIB;
/** Jobs of one claim: together they fit into one message between tiers. */
export const JOBS_CLAIMED_MAX = 12;
/** How long a claim may wait for a job; whoever asks asks again. */
export const JOB_WAIT_MS_MAX = 60_000;
/** A lease: long enough to be prolonged in time, and not so long that a lost job is forgotten. */
export const JOB_LEASE_MS_MIN = 1_000;
export const JOB_LEASE_MS_MAX = 3_600_000;
/** Attempts of a job where whoever stores it names no number. */
export const JOB_ATTEMPTS_DEFAULT = 5;
/** And where somebody does: with the longest pause between them that is most of a day. */
export const JOB_ATTEMPTS_MAX = 100;
/** What came of a job, as far as it is kept. */
export const JOB_RESULT_BYTES_MAX = 64 * KIB;
/** The end of what its last attempt logged. */
export const JOB_LOG_BYTES_MAX = 64 * KIB;
/** Why an attempt failed. */
export const JOB_ERROR_LENGTH_MAX = 4096;
/** Jobs that are done and can still be looked at. */
export const JOBS_DONE_MAX = 100_000;
/** Jobs that are dead and can still be read, and tried again; each keeps what it had to work on. */
export const JOBS_DEAD_MAX = 10_000;
/** How often claims that wait look for what other processes have stored, and leases that ended are noticed. */
export const JOB_POLL_MS = 1_000;
/** A job that nobody has taken for so long: whoever tells of jobs tells of it again. */
export const JOB_OVERDUE_MS = 2_000;
/** Messages about jobs that are on their way to NATS at one time; what comes beyond is told a little later. */
export const JOB_MESSAGES_MAX = 1_000;
/** How long NATS waits for word about a job before it offers it again; leases end by themselves, so this is seldom needed. */
export const JOB_ACK_WAIT_MS = 60_000;
/** Minutes between two times of a task: a year. */
export const TASK_FREQUENCY_MAX = 527_040;
/** Characters of what is sent with a task. */
export const TASK_PAYLOAD_LENGTH_MAX = MIB;
/** Of a script that is a file in a storage: as large as any other text of the system database may be. */
export const SCRIPT_FILE_BYTES_MAX = 1 * MIB;
/** Runs of scripts in one NATS message: it goes to one worker, and several workers shall share what comes at once. */
export const SCRIPT_BATCH_RUNS_MAX = 16;
/** Bytes of the runs that a router has in flight on one line, or that one worker has: what NATS holds for one receiver. */
export const SCRIPT_RUNS_BYTES_MAX = 64 * MIB;
/** Bytes that were given to the NATS client and have not arrived at the server: it would queue without end. */
export const NATS_UNCONFIRMED_BYTES_MAX = 4 * MIB;
/** How often routers ask over NATS whether the workers that have their runs are there. */
export const ROLL_CALL_INTERVAL_MS = 250;
/** Bytes of the name of a file: what file systems take. */
export const FILE_NAME_BYTES_MAX = 255;
/** Bytes of a whole path: as long as keys of object stores may be, with room for a prefix. */
export const FILE_PATH_BYTES_MAX = 1000;
/** One piece of a file on its way: large enough that the messages around it cost nothing. */
export const FILE_PIECE_BYTES = 64 * KIB;
/** A content from this size on travels by a line of its own: what a connection costs is little beside it. */
export const FILE_LINE_FROM_BYTES = MIB;
/** One piece of a file on such a line: what the kernel takes of it at once, nearly. */
export const FILE_LINE_PIECE_BYTES = 128 * KIB;
/** Senders on such lines that came before the call that says what they bring. */
export const FILE_LINES_EARLY_MAX = 1000;
/** How long a ticket of such a line is good. */
export const FILE_LINE_TICKET_MS = 10_000;
/** Entries of a listing that travel together: the first are there soon, and a large folder is not a message for each. */
export const FILE_ENTRIES_MAX = 128;
/** Pieces of a file that wait in one tier for the other side to take more: two hundred slow readers hold little. */
export const FILE_PIECES_AHEAD = 2;
/** What a sender of a file may have under way on one stream: as much as a slow reader leaves in our memory. */
export const FILE_WINDOW_BYTES = 512 * KIB;
/** Time for a call about files that came without a deadline: as long as a large one takes over a slow line. */
export const FILE_TIMEOUT_MS = 3_600_000;
/** Files of a folder that are copied or removed at the same time. */
export const FILES_AT_ONCE = 8;
/** Files of a folder that is sent as a zip: its directory, a hundred bytes for each, waits for the end. */
export const PACKED_ENTRIES_MAX = 1_000_000;
/** Files of a zip that is unpacked: more than the largest application has. */
export const UNPACK_ENTRIES_MAX = 100_000;
/** Names and remarks in its directory, which is in memory meanwhile. */
export const UNPACK_DIRECTORY_BYTES_MAX = 32 * MIB;
/** A zip that unpacks to more than so many times its size is there to do harm … */
export const UNPACK_RATIO_MAX = 250;
/** … unless it is no harm: a log, or a database that is mostly empty. */
export const UNPACK_RATIO_FROM_BYTES = 128 * MIB;
/** What a zip may become all in all: so many times what may be sent. */
export const UNPACK_TIMES_MAX = 10;
/** Ranges of one request for a file: a viewer of documents asks for a handful. */
export const FILE_RANGES_MAX = 32;
/** A content that is sent within JSON, in memory as a whole and a third larger in base64. */
export const FILE_INLINE_BYTES_MAX = 16 * MIB;
/** Entries of a listing that is sent as XML or CSV, for which all of it has to be there. */
export const FILE_ENTRIES_CONVERTED_MAX = 20_000;
/** Files of one form. */
export const FILE_FORM_PARTS_MAX = 1000;
/** Headers of one of them. */
export const FILE_FORM_HEAD_BYTES_MAX = 8 * KIB;
/** Public files that a router keeps in memory, all together, where nobody says otherwise. */
export const HOT_FILES_BYTES = 32 * MIB;
/** One of them has a part of that at most: what is larger travels in pieces. */
export const HOT_FILE_SHARE = 16;
/** For so long one of them is sent without asking the storage whether it is current. */
export const HOT_FILE_FRESH_MS = 1000;
/** Spellings of the address of one of them that are found at once. */
export const HOT_FILE_ADDRESSES_MAX = 4;
/** Below this a compressed file is as large as it was. */
export const COMPRESSED_FROM_BYTES = 1 * KIB;
/** Files that are compressed while they are sent, each with some megabytes of state; more are sent as they are. */
export const COMPRESSING_MAX = 8;
/** A compressed neighbour of a file may be so much older than the file: both came with one upload. */
export const NEIGHBOUR_AGE_MAX_MS = 60_000;
/** What a package of an application becomes when it is unpacked, in the memory of a router. */
export const APP_PACKAGE_BYTES_MAX = 64 * MIB;
/** Files of one: as many as the largest applications have. */
export const APP_PACKAGE_FILES_MAX = 10_000;
/** How long the import of one waits for a service that it has made to be served. */
export const APP_PACKAGE_SERVICE_MS = 10_000;
/** Seconds for which a signed URL may be good: a week. */
export const SIGNED_URL_SECONDS_MAX = 604_800;
/** Of one part of a resumable upload: so much is sent again where this process is killed. */
export const UPLOAD_PART_BYTES = 64 * MIB;
/** Parts of one upload: all are listed with each request. */
export const UPLOAD_PARTS_MAX = 10_000;
/** What a client wants to find again with its upload: names and types, as headers carry them. */
export const UPLOAD_METADATA_BYTES_MAX = 8 * KIB;
/** Time to keep what came of an upload, when its sender is gone. */
export const UPLOAD_KEEPING_MS = 30_000;
/** How long can be asked what came of an upload that is done: its client may not have heard the answer. */
export const UPLOAD_DONE_MS = 3_600_000;
/** How often uploads that nobody took up again are removed. */
export const UPLOAD_SWEEP_MS = 3_600_000;
/** One part of an upload to a store of objects: the least that some of them take is 5 MiB. */
export const OBJECT_PART_BYTES = 8 * MIB;
/** And of one whose parts would be too many otherwise. */
export const OBJECT_PART_BYTES_MAX = 64 * MIB;
/** Parts of one upload that are on their way, while the next one fills. */
export const OBJECT_PARTS_AT_ONCE = 2;
/** Connections to one store of objects: two hundred slow readers, each with his own, leave room for others. */
export const OBJECT_CONNECTIONS_MAX = 1024;
/** Attempts of a request to a store of objects, where a second one does no harm. */
export const OBJECT_ATTEMPTS_MAX = 3;
/** Documents that one request reads where the store cannot filter itself: a second or two, and the service may say otherwise. */
export const SCAN_DOCUMENTS_DEFAULT = 100_000;
/** Groups of one answer that are counted here, each in memory with its sums. */
export const GROUPS_MAX = 10_000;
/** Documents of a store that are looked at to guess the fields of a table. */
export const SAMPLED_DOCUMENTS = 50;
/** Fields that such a guess names: documents whose names are data have no end of them. */
export const SAMPLED_FIELDS_MAX = 200;
/** Records whose import can be undone where the store has no transactions: their keys are kept until the end. */
export const UNDONE_RECORDS_MAX = 100_000;
