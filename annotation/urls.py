from django.urls import path

from annotation import views

urlpatterns = [
    path("labelling/", views.my_queue, name="my-queue"),
    path("slides/<int:pk>/label/", views.label, name="label"),
    path("slides/<int:pk>/disagreement/", views.adjudicate, name="adjudicate"),
    path("projects/<slug:slug>/labelling/", views.dashboard, name="labelling-dashboard"),
    path("projects/<slug:slug>/labels/", views.label_files, name="label-files"),
]
