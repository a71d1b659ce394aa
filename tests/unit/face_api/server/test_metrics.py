from __future__ import annotations

from face_api.server.metrics import Metrics


def test_the_page_has_buckets_that_grow_and_every_label() -> None:
    metrics = Metrics(1)
    metrics.count_photo({"faces": 2, "wait": 0.003, "total": 300.0})
    metrics.count_request("/encode", 200, None)
    metrics.count_request("/encode", 0, None)
    metrics.count_request("/encode", 503, "busy")
    metrics.set_engine(there=True, busy=False)
    metrics.set_fast(frozenset({"decode"}))
    page = metrics.page().decode().splitlines()
    for line in (
        'face_api_requests_total{path="/encode",status="200"} 1.0',
        'face_api_requests_total{path="/encode",status="gone"} 1.0',
        'face_api_errors_total{code="busy"} 1.0',
        "face_api_faces_total 2.0",
        'face_api_stage_seconds_bucket{le="0.005",stage="wait"} 1.0',
        'face_api_stage_seconds_bucket{le="240.0",stage="total"} 0.0',
        'face_api_stage_seconds_bucket{le="+Inf",stage="total"} 1.0',
        'face_api_stage_seconds_sum{stage="total"} 300.0',
        'face_api_stage_seconds_count{stage="wait"} 1.0',
        'face_api_fast{part="decode"} 1.0',
        'face_api_fast{part="scan"} 0.0',
        "face_api_engines 1.0",
        "face_api_figures_complete 1.0",
    ):
        assert line in page
