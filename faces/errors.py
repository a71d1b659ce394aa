"""Every error of the project, by whose fault it is, because that decides what happens next.

                                  in a request   in a job
    FacesError                    500            a try
    ├── PhotoError                4xx            the end: failed
    │   ├── EmptyFile
    │   ├── UnsupportedFormat
    │   ├── DamagedPhoto
    │   ├── PhotoTooLarge
    │   ├── CrashedBefore
    │   └── PhotoDeclined         4xx            the end: done, with a note
    ├── JobError                  500            the end: failed
    │   ├── TriedTooOften
    │   ├── CrashedTooOften
    │   └── UnreadableMessage
    ├── MissingError              500            a try
    │   ├── ImageMissing
    │   └── FileMissing
    ├── RequestError              4xx            a try
    │   ├── NotOneFace
    │   ├── OutsideDisks
    │   ├── SheetNotWritten
    │   └── ChangedSince
    ├── EngineError               500            a try
    │   ├── AnswerLost
    │   ├── ModelMissing
    │   └── ModelDamaged
    └── WorldError                500            no try: it waits for the world
        ├── SettingsError
        ├── SchemaError
        └── Unavailable           503            no try: it waits for the world
            ├── FaceApiUnavailable
            ├── RequestRefused
            ├── EnginesBusy
            ├── EngineDied
            ├── PictureNotWritten
            │   └── NoDiskForPicture  4xx            no try: it waits for the world
            ├── StoreUnavailable
            │   └── StoreRefused
            ├── CacheUnavailable
            ├── BrokerUnavailable
            ├── BrokerRefused
            ├── DeliveryGone
            └── LockError         503            no try: again in a moment
                ├── LockHeld
                └── LockLost

A try is tried again until the job's tries are spent, and has failed then. What waits for the world becomes a try where
other jobs show that it is this job's own fault (worker/queue/evidence.py). At a start, Unavailable is waited for, and
all else stops it. A command ends with exit code 2 by RequestError and SettingsError, with 1 by all others.

Errors know no status codes and no deliveries: each door has one table of its own (faces/http/errors.py,
worker/queue/outcome.py), which asks for these branches.
"""


class FacesError(Exception):
    """Base of all errors that we raise on purpose.

    `str(error)` is one sentence for a person: what was found and what is needed.
    `code` is a stable word for machines.
    """

    code = "error"

    #: What the job wrote into `images.last_error`, where it did, and whether the same stood there before.
    noted: str | None = None
    repeated = False

    #: The request to the face API that ended in it, by its X-Request-ID: the API's log has the same.
    request_id: str | None = None


class PhotoError(FacesError):
    """This photo cannot be used, and trying again changes nothing: the caller is told, and a job fails at once."""

    code = "bad_photo"


class EmptyFile(PhotoError):
    """The file has no bytes."""

    code = "empty_file"


class UnsupportedFormat(PhotoError):
    """The bytes are not a picture of a format that we read."""

    code = "unsupported_format"


class DamagedPhoto(PhotoError):
    """The format is known, but the pixels cannot be read to the end."""

    code = "damaged_photo"


class PhotoTooLarge(PhotoError):
    """More pixels or bytes than the limits allow; the sentence has both numbers."""

    code = "photo_too_large"


class CrashedBefore(PhotoError):
    """This photo ended two engine processes within a day."""

    code = "crashed_before"


class PhotoDeclined(PhotoError):
    """An answer 200 that holds an error instead of faces, as older APIs give it: noted, and not asked again.

    The one photo's fault that its job does not fail by.
    """

    code = "declined"


class JobError(FacesError):
    """The message is no job, or its job was tried often enough: it is not run, or not again, and fails at once."""

    code = "bad_job"


class TriedTooOften(JobError):
    """The job comes once more after its last attempt; it is not run again."""

    code = "tried_too_often"


class CrashedTooOften(JobError):
    """The job ended several workers."""

    code = "crashed_too_often"


class UnreadableMessage(JobError):
    """A message that is no job as Laravel writes it; the sentence says where, and what was found."""

    code = "unreadable_message"


class MissingError(FacesError):
    """What a job names is not there, but may still come: PHP may be about to commit the row or to copy the file."""

    code = "missing"


class ImageMissing(MissingError):
    """There is no row with this id in `images`."""

    code = "image_missing"


class FileMissing(MissingError):
    """The image's file is not where its row says, or cannot be read."""

    code = "file_missing"


class RequestError(FacesError):
    """The caller asked for something that cannot be done as it was asked.

    A job's caller is the app, which may write another row: a try.
    """

    code = "bad_request"


class NotOneFace(RequestError):
    """A portrait that shows `faces` faces, where it must be clear whose it is."""

    code = "not_one_face"

    def __init__(self, sentence: str, faces: int) -> None:
        super().__init__(sentence)
        self.faces = faces


class OutsideDisks(RequestError):
    """A path that no disk holds, or that leaves its disk."""

    code = "bad_path"


class SheetNotWritten(RequestError):
    """The folder named for a contact sheet cannot be written, or holds a page that is not ours."""

    code = "sheet_not_written"


class ChangedSince(RequestError):
    """What an answer is about is another by now than was seen: nothing was written; it may be given again."""

    code = "changed"


class EngineError(FacesError):
    """A fault of our own: the engine's, the face API's, or in what we write. At a start it refuses to go on."""

    code = "engine_error"

    #: Whether the face API itself failed: three photos in a row that meet this are not to blame.
    of_the_api = False


class AnswerLost(EngineError):
    """The face API is ready, but broke off or took too long (`timed_out`) over this photo."""

    code = "answer_lost"

    def __init__(self, sentence: str, *, timed_out: bool) -> None:
        super().__init__(sentence)
        self.timed_out = timed_out


class ModelMissing(EngineError):
    """A model file is nowhere to be found; the sentence says where it was looked for."""

    code = "model_missing"


class ModelDamaged(EngineError):
    """A model file is not the one that we know, by its checksum."""

    code = "model_damaged"


class WorldError(FacesError):
    """What is outside this process is unavailable, or not what it was set up for: no job is to blame for that."""

    code = "world"


class SettingsError(WorldError):
    """A setting is wrong, or a server refuses by now what it says; the sentence names the variable."""

    code = "bad_setting"


class SchemaError(WorldError):
    """The database lacks a table or column that the work needs, or has a schema not supported yet."""

    code = "schema"


class Unavailable(WorldError):
    """Something outside this process cannot be used now; trying again later may succeed."""

    code = "unavailable"


class FaceApiUnavailable(Unavailable):
    """The face API does not answer, or answers (`answered`) that it does not take photos now, whatever their content.

    `retry_after` is what it asked to wait.
    """

    code = "face_api_unavailable"

    def __init__(self, sentence: str, retry_after: float | None = None, *, answered: bool = False) -> None:
        super().__init__(sentence)
        self.retry_after, self.answered = retry_after, answered


class RequestRefused(Unavailable):
    """The face API refused a request for a reason that is not the photo's: two versions misunderstand each other."""

    code = "request_refused"


class EnginesBusy(Unavailable):
    """As many photos wait as may wait."""

    code = "busy"


class EngineDied(Unavailable):
    """The process that had the photo in hand ended under it."""

    code = "engine_died"


class PictureNotWritten(Unavailable):
    """A debug picture that was asked for could not be written: the disk is full, read-only or broken."""

    code = "picture_not_written"


class NoDiskForPicture(PictureNotWritten):
    """A debug picture that was asked for has no place where it may be written: a setting, a right or a name is wrong.

    Rows without it would lose their names: the app deletes the faces of photos without a debug picture.
    """

    code = "no_disk_for_picture"


class StoreUnavailable(Unavailable):
    """The database does not answer."""

    code = "store_unavailable"


class StoreRefused(StoreUnavailable):
    """The database is there and refused a statement, for a reason that may be its own or this row's."""

    code = "store_refused"


class CacheUnavailable(Unavailable):
    """The app's cache, with the locks in it, does not answer."""

    code = "cache_unavailable"


class BrokerUnavailable(Unavailable):
    """RabbitMQ is unavailable, or did not confirm in time: it may have the message or not."""

    code = "broker_unavailable"


class BrokerRefused(Unavailable):
    """RabbitMQ is there and did not take a message, or has no queue for it; the sentence has its words."""

    code = "broker_refused"


class DeliveryGone(Unavailable):
    """The channel of a delivery is gone: it is not ours any more, and RabbitMQ hands it out again."""

    code = "delivery_gone"


class LockError(Unavailable):
    """The image's lock is not ours: its job is put off for a moment, and no other job has to wait for that."""

    code = "lock"


class LockHeld(LockError):
    """Another worker has this image in hand."""

    code = "lock_held"


class LockLost(LockError):
    """The image's lock ran out, or is another's by now; nothing was written."""

    code = "lock_lost"
