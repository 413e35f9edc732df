"""Addresses of the training room outside the admin site."""

from django.urls.resolvers import URLPattern

urlpatterns: list[URLPattern] = []
