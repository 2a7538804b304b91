# What the API says, in English. One message to a line; the words of Django REST framework where it has them.

# What a value can be.
required = This field is required.
null = This field may not be null.
no-data = No data provided
blank = This field may not be blank.
null-characters = Null characters are not allowed.
control-characters = Control characters are not allowed.
too-long = Ensure this field has no more than { $max } characters.
too-many = Ensure this field has no more than { $max } elements.
not-a-string = Not a valid string.
not-a-uuid = Must be a valid UUID.
not-a-boolean = Must be a valid boolean.
not-an-object = Invalid data. Expected a dictionary, but got { $got }.
not-a-list = Expected a list of items but got type "{ $got }".
not-a-cursor = A cursor is what the "next" or "previous" of another page says, or empty for the first page.
not-a-page = A page is a number from 1, or "last".
not-a-page-size = A page size is a number from 1; more than { $max } is held at that.
invalid-choice = "{ $choice }" is not a valid choice.
unique = This field must be unique.
invalid-phone-number = Enter a valid phone number.
invalid-email = Enter a valid email address.
invalid-full-name = Enter a valid name.
invalid-group-name = Enter a valid group name.
invalid-date = Date has wrong format. Use one of these formats instead: YYYY-MM-DD.
invalid-timestamp = Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm:ss[.uuuuuu](Z|+HH:MM).
not-a-file = The submitted data was not a file. Check the encoding type on the form.
empty-file = The submitted file is empty.
empty-list = This list may not be empty.
multipart-no-boundary = Multipart form parse error - there is no boundary.
multipart-too-many-parts = Multipart form parse error - it has too many parts.
multipart-malformed = Multipart form parse error - it is not what its boundary says.

# What a request can be.
bad-request = Malformed request.
parse-error = JSON parse error - { $cause }
unreadable-body = The request body could not be read.
not-authenticated = Authentication credentials were not provided.
authentication-failed = Incorrect authentication credentials.
permission-denied = You do not have permission to perform this action.
not-found = Not found.
no-such-page = Invalid page.
method-not-allowed = Method "{ $method }" not allowed.
request-timeout = The request body did not arrive in time.
conflict = Somebody else changed this at the same time. Please look again and retry.
too-large = The request body may have no more than { $limit } bytes.
unsupported-media-type = Unsupported media type "{ $media_type }" in request.
throttled = Throttled by { $scope } ({ $rate }). { $seconds ->
        [one] 1 second
       *[other] { $seconds } seconds
    } left to be released.
idempotency-key-malformed = The header Idempotency-Key occurs once and has 1 to { $max } visible ASCII characters.
idempotency-key-reused = This Idempotency-Key was used for another request.
idempotency-key-in-use = The request with this Idempotency-Key is still running.
internal = A server error occurred.
unavailable = The service is not available right now. Please try again.
many-faults = The request has { $count } faults.

# The names of the statuses.
title-bad-request = Bad Request
title-unauthorized = Unauthorized
title-forbidden = Forbidden
title-not-found = Not Found
title-method-not-allowed = Method Not Allowed
title-request-timeout = Request Timeout
title-conflict = Conflict
title-payload-too-large = Payload Too Large
title-unsupported-media-type = Unsupported Media Type
title-unprocessable-entity = Unprocessable Entity
title-too-many-requests = Too Many Requests
title-internal-server-error = Internal Server Error
title-service-unavailable = Service Unavailable

# The rules of auth.
no-active-account = No active account found with the given credentials.
number-unknown = Nobody has this phone number.
number-banned = User is permanently banned.
number-blocked = This number is blocked for 24 hours
number-not-confirmed = The phone number is not confirmed, or too long ago.
verification-not-sent = phonenumber verification has not been sent.
verification-expired = phonenumber check expired.
verification-void = The token was used already, or guessed at too often.
verification-stopped = Too many wrong tokens were shown for this number.
wrong-one-time-token = Invalid Token
user-inactive = User is inactive.
staff-not-allowed = This number may not sign up as staff.
token-not-valid = Token is invalid or expired.
refresh-token-not-yours = This is not a refresh token of yours.
wrong-password = This is not the current password.
password-too-short = This password is too short. It must contain at least { $least } characters.
password-too-long = This password is too long. It must contain at most { $most } characters.
password-too-common = This password is too common. Choose one that others do not use.
already-expired = This moment has passed already.

# The rules of the user context.
account-closed = The account was closed.
account-of-superuser = The account of a superuser cannot be closed.
superuser-without-staff-flag = A superuser has the staff flag.
groups-of-driver = Only staff are in permission groups.
invalid-image = Upload a valid image. The file you uploaded was either not an image or a corrupted image.
image-too-large = An image has at most { $pixels } pixels.

# The rules of distribution.
center-in-use = A transport that has not arrived starts or ends at { $code }.

# The rules of shipping.
unknown-item = There is no item { $tracking_number }.
unknown-batch = There is no batch { $alias }.
unknown-center = There is no center { $code }.
driver-invalid = This user is not an active driver.
driver-busy = The driver is on the road with another transport.
same-center = A transport cannot both start and end at { $code }.
transport-completed = The transport is completed already.
transport-departed = The transport has departed already.
transport-not-departed = The transport has not departed yet.
transport-centers-unknown = A distribution center of the transport does not exist.
transport-no-batch = The transport carries no batch.
transport-no-driver = The transport has no driver.
batch-already-completed = Batch { $alias } is completed already.
batch-already-assigned = Batch { $alias } is on another transport.
batch-completed = The batch is completed.
batch-departed = The batch has departed.
item-invalid-status = Item { $tracking_number } is { $status } and cannot be added to a batch.
item-not-available = Item { $tracking_number } is in another open batch.
alias-characters = Only letters, digits, dashes and underscores.
item-invalid-transition = Item { $tracking_number } cannot go from { $from } to { $to }.
item-in-use = The item is in an open batch.
batch-has-items = There are items in the batch.
batch-on-transport = The batch is on a transport.
transport-has-batches = The transport carries batches.
