"""Addresses of the training room below /api/v1/."""

from django.urls import path

from training import api

urlpatterns = [
    path("datasets/", api.DatasetList.as_view(), name="api-datasets"),
    path("runs/", api.RunList.as_view(), name="api-runs"),
    path("runs/chain/", api.RunChain.as_view(), name="api-run-chain"),
    path("runs/<int:pk>/", api.RunDetail.as_view(), name="api-run"),
    path("runs/<int:pk>/cancel/", api.RunCancel.as_view(), name="api-run-cancel"),
    path("runs/<int:pk>/resume/", api.RunResume.as_view(), name="api-run-resume"),
    path("runs/<int:pk>/metrics/", api.RunMetrics.as_view(), name="api-run-metrics"),
    path("slides/<int:pk>/publish/", api.SlidePublish.as_view(), name="api-slide-publish"),
    path("slides/<int:pk>/withdraw/", api.SlideWithdraw.as_view(), name="api-slide-withdraw"),
]
