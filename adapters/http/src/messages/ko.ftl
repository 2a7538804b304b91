# API가 하는 말, 한국어로. 한 줄에 한 메시지이며, Django REST framework의 번역이 있으면 그대로 따른다.

# 값에 대하여.
required = 이 필드는 필수 항목입니다.
null = 이 필드는 null일 수 없습니다.
no-data = 데이터가 제공되지 않았습니다.
blank = 이 필드는 blank일 수 없습니다.
null-characters = null 문자는 허용되지 않습니다.
control-characters = 제어 문자는 허용되지 않습니다.
too-long = 이 필드의 글자 수가 { $max } 이하인지 확인하세요.
too-many = 이 필드가 최대 { $max } 개의 요소를 가지는지 확인하세요.
not-a-string = 유효한 문자열이 아닙니다.
not-a-uuid = 유효한 UUID 이어야 합니다.
not-a-boolean = 유효한 불리언이어야 합니다.
not-an-object = 유효하지 않은 데이터. 딕셔너리(dictionary)대신 { $got }를 받았습니다.
not-a-list = 아이템 리스트가 예상되었으나 "{ $got }"를 받았습니다.
not-a-cursor = 커서는 다른 페이지의 "next" 또는 "previous"에 있는 값이거나, 첫 페이지의 경우 비어 있어야 합니다.
not-a-page = 페이지는 1 이상의 숫자이거나 "last"여야 합니다.
not-a-page-size = 페이지 크기는 1 이상의 숫자여야 합니다. { $max }보다 크면 { $max }으로 제한됩니다.
invalid-choice = "{ $choice }"은 유효하지 않은 선택입니다.
unique = 이 필드는 반드시 고유해야 합니다.
invalid-phone-number = 유효한 전화번호를 입력하세요.
invalid-email = 유효한 이메일 주소를 입력하세요.
invalid-full-name = 유효한 이름을 입력하세요.
invalid-group-name = 유효한 그룹 이름을 입력하세요.
invalid-date = Date의 포멧이 잘못되었습니다. 이 형식들 중 한가지를 사용하세요: YYYY-MM-DD.
invalid-timestamp = Datetime의 포멧이 잘못되었습니다. 이 형식들 중 한가지를 사용하세요: YYYY-MM-DDThh:mm:ss[.uuuuuu](Z|+HH:MM).
not-a-file = 제출된 데이터는 파일이 아닙니다. 제출된 서식의 인코딩 형식을 확인하세요.
empty-file = 제출한 파일이 비어있습니다.
empty-list = 이 리스트는 비워 둘 수 없습니다.
multipart-no-boundary = 멀티파트 폼 구문 오류 - boundary가 없습니다.
multipart-too-many-parts = 멀티파트 폼 구문 오류 - 파트가 너무 많습니다.
multipart-malformed = 멀티파트 폼 구문 오류 - boundary와 내용이 맞지 않습니다.

# 요청에 대하여.
bad-request = 잘못된 요청입니다.
parse-error = JSON 구문 오류 - { $cause }
unreadable-body = 요청 본문을 읽을 수 없습니다.
not-authenticated = 자격 인증 데이터가 제공되지 않았습니다.
authentication-failed = 자격 인증 데이터가 올바르지 않습니다.
permission-denied = 이 작업을 수행할 권한이 없습니다.
not-found = 찾을 수 없습니다.
no-such-page = 페이지가 유효하지 않습니다.
method-not-allowed = 메서드 "{ $method }"는 허용되지 않습니다.
request-timeout = 요청 본문이 제시간에 도착하지 않았습니다.
conflict = 다른 요청이 동시에 변경했습니다. 다시 확인한 후 재시도하세요.
too-large = 요청 본문은 { $limit } 바이트를 넘을 수 없습니다.
unsupported-media-type = 요청된 "{ $media_type }"가 지원되지 않는 미디어 형태입니다.
throttled = { $scope }({ $rate }) 제한을 초과했습니다. { $seconds }초 후에 다시 시도할 수 있습니다.
idempotency-key-malformed = Idempotency-Key 헤더는 한 번만 보낼 수 있으며, 화면에 표시되는 ASCII 문자 1자 이상 { $max }자 이하여야 합니다.
idempotency-key-reused = 이 Idempotency-Key는 이미 다른 요청에 사용되었습니다.
idempotency-key-in-use = 이 Idempotency-Key의 요청이 아직 처리 중입니다.
internal = 서버 장애가 발생했습니다.
unavailable = 지금은 서비스를 이용할 수 없습니다. 다시 시도하세요.
many-faults = 요청에 { $count }개의 오류가 있습니다.

# 상태의 이름.
title-bad-request = 잘못된 요청
title-unauthorized = 인증 필요
title-forbidden = 권한 없음
title-not-found = 찾을 수 없음
title-method-not-allowed = 허용되지 않는 메서드
title-request-timeout = 요청 시간 초과
title-conflict = 충돌
title-payload-too-large = 너무 큰 요청 본문
title-unsupported-media-type = 지원되지 않는 미디어 형태
title-unprocessable-entity = 처리할 수 없는 요청
title-too-many-requests = 너무 많은 요청
title-internal-server-error = 서버 오류
title-service-unavailable = 서비스 이용 불가

# 인증의 규칙.
no-active-account = 주어진 자격 인증 데이터로 활성 계정을 찾을 수 없습니다.
number-unknown = 이 전화번호의 사용자가 없습니다.
number-banned = 영구적으로 차단된 사용자입니다.
number-blocked = 이 번호는 24시간 동안 차단되었습니다.
number-not-confirmed = 전화번호가 인증되지 않았거나, 인증한 지 너무 오래되었습니다.
verification-not-sent = 인증번호를 보낸 적이 없는 전화번호입니다.
verification-expired = 인증번호가 만료되었습니다.
verification-void = 이미 사용되었거나 너무 많이 틀린 인증번호입니다.
verification-stopped = 이 번호에 잘못된 인증번호가 너무 많이 입력되었습니다.
wrong-one-time-token = 인증번호가 유효하지 않습니다.
user-inactive = 비활성화된 사용자입니다.
staff-not-allowed = 이 번호는 직원으로 가입할 수 없습니다.
token-not-valid = 토큰이 유효하지 않거나 만료되었습니다.
refresh-token-not-yours = 본인의 refresh 토큰이 아닙니다.
wrong-password = 현재 비밀번호가 아닙니다.
password-too-short = 비밀번호가 너무 짧습니다. 최소 { $least }자 이상이어야 합니다.
password-too-long = 비밀번호가 너무 깁니다. 최대 { $most }자까지 사용할 수 있습니다.
password-too-common = 너무 흔한 비밀번호입니다. 다른 사람이 쓰지 않는 비밀번호를 사용하십시오.
already-expired = 이미 지난 시각입니다.

# 사용자의 규칙.
account-closed = 해지된 계정입니다.
account-of-superuser = 최고 관리자의 계정은 해지할 수 없습니다.
superuser-without-staff-flag = 최고 관리자는 직원 권한을 가져야 합니다.
groups-of-driver = 직원만 권한 그룹에 속할 수 있습니다.
invalid-image = 유효한 이미지 파일을 업로드하세요. 업로드하신 파일은 이미지 파일이 아니거나 손상된 이미지 파일입니다.
image-too-large = 이미지는 최대 { $pixels } 픽셀까지 가능합니다.

# 물류 센터의 규칙.
center-in-use = 아직 도착하지 않은 운송이 { $code }에서 출발하거나 { $code }에 도착합니다.

# 배송의 규칙.
unknown-item = 상품 { $tracking_number }이(가) 없습니다.
unknown-batch = 배치 { $alias }이(가) 없습니다.
unknown-center = 물류 센터 { $code }이(가) 없습니다.
driver-invalid = 활동 중인 운전기사가 아닙니다.
driver-busy = 운전기사가 다른 운송을 진행 중입니다.
same-center = 운송의 출발지와 도착지가 모두 { $code }일 수 없습니다.
transport-completed = 이미 완료된 운송입니다.
transport-departed = 이미 출발한 운송입니다.
transport-not-departed = 아직 출발하지 않은 운송입니다.
transport-centers-unknown = 운송의 물류 센터가 존재하지 않습니다.
transport-no-batch = 운송에 실린 배치가 없습니다.
transport-no-driver = 운송에 운전기사가 없습니다.
batch-already-completed = 배치 { $alias }은(는) 이미 완료되었습니다.
batch-already-assigned = 배치 { $alias }은(는) 다른 운송에 실려 있습니다.
batch-completed = 완료된 배치입니다.
batch-departed = 이미 출발한 배치입니다.
item-invalid-status = 상품 { $tracking_number }은(는) { $status } 상태이므로 배치에 추가할 수 없습니다.
item-not-available = 상품 { $tracking_number }은(는) 다른 열린 배치에 있습니다.
alias-characters = 영문자, 숫자, 하이픈(-), 밑줄(_)만 사용할 수 있습니다.
item-invalid-transition = 상품 { $tracking_number }의 상태를 { $from }에서 { $to }(으)로 바꿀 수 없습니다.
item-in-use = 상품이 열린 배치에 있습니다.
batch-has-items = 배치에 상품이 있습니다.
batch-on-transport = 배치가 운송에 실려 있습니다.
transport-has-batches = 운송에 배치가 실려 있습니다.
