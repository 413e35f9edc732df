"""Addresses of the training room outside the admin site and the API."""

from django.urls import path

from training import views

urlpatterns = [
    path("runs/<int:pk>/previews/<int:epoch>.jpg", views.preview, name="run-preview"),
    path("datasets/<int:pk>/manifest.jsonl", views.manifest, name="dataset-manifest"),
]
