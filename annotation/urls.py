from django.urls import path

from annotation import views

urlpatterns = [path("slides/<int:pk>/label/", views.label, name="label")]
